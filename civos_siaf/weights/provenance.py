"""What the configuration of a method names: weight files with their hashes, and devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from civos_siaf.weights.afi_networks import OWN
from civos_siaf.weights.download import sha256
from civos_siaf.weights.hub import hub_file
from civos_siaf.weights.locate import own_weights, published_weights, trained_weights

MODEL_FILE = "model.safetensors"
"""In a folder as transformers saves a model."""

_FINDERS: dict[str, Callable[[str], Path]] = {
    "own_weights": own_weights,
    "published_weights": published_weights,
    "trained_weights": trained_weights,
    "hub_weights": hub_file,
}


def about_method(config: Any) -> dict[str, Any]:
    """What tells an evaluation of a method from others.

    Args:
        config: of the method, plain containers.

    Returns:
        Under `method_config` the configuration, `weights` the SHA-256 of each file that it names, `devices`
        the devices; where there are any, under `untrained` the networks without weights.
    """
    about = {"method_config": config, "weights": hashes(config), "devices": devices(config)}
    without = untrained(config)
    return {**about, "untrained": without} if without else about


def untrained(config: object) -> list[str]:
    """The networks of a configuration that have no weights: names of architectures, each once and sorted."""
    return sorted(set(_untrained(config)))


def hashes(config: object, hashed: Callable[[Path], str] = sha256) -> dict[str, str]:
    """SHA-256 of the weight files that a configuration names, by name of the file.

    A file is named by its path, or as in `file_of`; files that are not there are left out.

    Args:
        config: plain containers, all the way down.
        hashed: makes the hash.
    """
    return {name: hashed(path) for name, path in _files(config)}


def file_of(config: Mapping[Any, Any]) -> Path | None:
    """The weight file that a part of a configuration stands for by name, if it is there.

    Args:
        config: plain containers; a call of one of `civos_siaf.weights.locate`, or of a loader that takes the
            package's own weights where no others are given.
    """
    target = str(config.get("_target_", "")).rpartition(".")[2]
    try:
        if target in _FINDERS:
            if config.get("run") is not None:
                return trained_weights(str(config["name"]), str(config["run"]))
            return _FINDERS[target](str(config["name"]))
        if target == "load_afi_network" and config.get("weights") is None:
            own = OWN.get(str(config.get("architecture")))
            return None if own is None else own_weights(own)
    except FileNotFoundError:
        pass
    return None


def devices(config: object) -> list[str]:
    """Values of all `device` in a configuration, each once and sorted."""
    return sorted(set(_devices(config)))


def _files(config: object) -> Iterator[tuple[str, Path]]:
    if isinstance(config, Mapping):
        if (path := file_of(config)) is not None:
            yield path.name, path
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for part in config:
            yield from _files(part)
    elif isinstance(config, str) and (model := Path(config) / MODEL_FILE).is_file():
        yield config, model
    # Without an ending it would be a name, and not only of a file.
    elif isinstance(config, str) and Path(config).suffix and Path(config).is_file():
        yield config, Path(config)


def _untrained(config: object) -> Iterator[str]:
    if isinstance(config, Mapping):
        if "weights" in config and config["weights"] is None and file_of(config) is None:
            target = str(config.get("_target_", "a network")).rpartition(".")[2]
            yield str(config.get("architecture") or config.get("name") or target)
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for part in config:
            yield from _untrained(part)


def _devices(config: object) -> Iterator[str]:
    if isinstance(config, Mapping):
        if isinstance(device := config.get("device"), str):
            yield device
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for part in config:
            yield from _devices(part)
