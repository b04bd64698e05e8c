"""Whether a method is the one of an earlier run: a hash of its settings and of the files that they name."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from civos_siaf.weights.download import sha256
from civos_siaf.weights.provenance import file_of


def method_hash(method: DictConfig) -> str:
    """The hash of a method's configuration; where files are does not matter, what is in them does."""
    settings = _with_contents(OmegaConf.to_container(method, resolve=True))
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()


def _with_contents(value: object) -> object:
    """A configuration with hashes in the place of files."""
    if isinstance(value, Mapping):
        found = {str(name): _with_contents(part) for name, part in value.items()}
        path = file_of(value)
        return found if path is None else {**found, "file": sha256(path)}
    if isinstance(value, list):
        return [_with_contents(part) for part in value]
    return sha256(Path(value)) if isinstance(value, str) and _is_file(value) else value


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except OSError:  # too long for a path
        return False
