"""Whether a method is the one of an earlier run: a hash of its settings and of the files that they name."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from civos_siaf.weights.own import own_weights

PIECE = 2**20


def method_hash(method: DictConfig) -> str:
    """The hash of a method's configuration; where files are does not matter, what is in them does."""
    settings = _with_contents(OmegaConf.to_container(method, resolve=True))
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()


def _with_contents(value: object) -> object:
    """A configuration with hashes in the place of files."""
    if isinstance(value, Mapping):
        if str(value.get("_target_", "")).endswith(".own_weights"):
            return _own(str(value["name"]))
        found = {str(name): _with_contents(part) for name, part in value.items()}
        if "architecture" in value:  # some take the package's own weights where no file is named
            found["own weights"] = _own(str(value["architecture"]).replace("-", "_"))
        return found
    if isinstance(value, list):
        return [_with_contents(part) for part in value]
    if isinstance(value, str) and _is_file(value):
        return _sum(Path(value))
    return value


def _own(name: str) -> str | None:
    path = own_weights(name, required=False)
    return None if path is None else _sum(path)


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except OSError:  # too long for a path
        return False


def _sum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return f"sha256 {digest.hexdigest()}"
