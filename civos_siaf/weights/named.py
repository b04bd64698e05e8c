"""What the configuration of a method names: weight files with their hashes, and devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from civos_siaf.weights.afi_networks import OWN
from civos_siaf.weights.download import sha256
from civos_siaf.weights.own import own_weights


def about_method(config: Any) -> dict[str, Any]:
    """What tells an evaluation of a method from others.

    Args:
        config: of the method, plain containers.

    Returns:
        Under `method_config` the configuration, `weights` the SHA-256 of each file that it names, `devices`
        the devices.
    """
    return {"method_config": config, "weights": hashes(config), "devices": devices(config)}


def hashes(config: object, hashed: Callable[[Path], str] = sha256) -> dict[str, str]:
    """SHA-256 of the weight files that a configuration names, by name of the file.

    A file is named by its path, by `own_weights`, or by an architecture whose own weights are taken when no
    others are given; files that are not there are left out.

    Args:
        config: plain containers, all the way down.
        hashed: makes the hash.
    """
    return {name: hashed(path) for name, path in _files(config)}


def devices(config: object) -> list[str]:
    """Values of all `device` in a configuration, each once and sorted."""
    return sorted(set(_devices(config)))


def _files(config: object) -> Iterator[tuple[str, Path]]:
    if isinstance(config, Mapping):
        if (own := _own(config)) is not None:
            path = own_weights(own, required=False)
            if path is not None:
                yield path.name, path
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for part in config:
            yield from _files(part)
    # Without an ending it would be a name, and not only of a file.
    elif isinstance(config, str) and Path(config).suffix and Path(config).is_file():
        yield config, Path(config)


def _own(config: Mapping[Any, Any]) -> str | None:
    """The name of the package's own weights that a part of a configuration stands for."""
    target = str(config.get("_target_", "")).rpartition(".")[2]
    if target == "own_weights":
        return str(config["name"])
    if target == "load_afi_network" and config.get("weights") is None:
        return OWN.get(str(config.get("architecture")))
    return None


def _devices(config: object) -> Iterator[str]:
    if isinstance(config, Mapping):
        if isinstance(device := config.get("device"), str):
            yield device
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for part in config:
            yield from _devices(part)
