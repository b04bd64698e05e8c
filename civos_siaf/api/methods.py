"""The methods of the package by name: what there is, and building one with its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from civos_siaf.api.configuration import built, composed, names_in, plain, require_name, with_settings
from civos_siaf.cli.method import built_method
from civos_siaf.protocol import Method
from civos_siaf.runtime.device import best_device
from civos_siaf.weights.download import download as fetch
from civos_siaf.weights.locate import file_names, find_file, weight_folders
from civos_siaf.weights.manifest import find_record
from civos_siaf.weights.provenance import about_method

FINDERS = ("own_weights", "published_weights", "trained_weights")
"""Functions of `civos_siaf.weights.locate` by which configurations name weight files."""


def list_methods() -> list[str]:
    """Names of the methods, as `load_method` and the scripts' `method=` take them.

    >>> import civos_siaf as cs
    >>> cs.list_methods()[:2]
    ['civos', 'civos_light']
    """
    return names_in("method")


def load_method(
    name: str,
    *,
    device: str = "auto",
    weights: Path | str | Mapping[str, Path | str | None] | None = None,
    download: bool = False,
    compile: bool = False,
    **settings: Any,
) -> Method:
    """Build a method with its weights: the same object as `method=NAME` of the scripts.

    Args:
        name: one of `list_methods()`.
        device: of its networks: cpu, cuda, cuda:1, mps; auto: the first GPU if there is one.
        weights: where its weight files are. A folder is looked into before the usual ones. A mapping gives
            files by the part of the configuration that takes them, such as {"network": "stm.pth"}; None there
            is an untrained network.
        download: fetch published files that are not there yet into the folder `weights`, or else into the
            first of the usual folders.
        compile: compile its networks by torch on their first calls: slow then, faster afterwards.
        settings: other values of `configs/method/NAME.yaml`; those inside a part as a mapping.

    Raises:
        FileNotFoundError: a weight file is missing; says how to get it.
        ValueError: no such method, option or device, or a file for another network.
        ConnectionError: a file cannot be fetched.

    >>> import civos_siaf as cs
    >>> method = cs.load_method("civos_light", device="cpu", settings={"top_k": 20})
    >>> method.settings.top_k
    20
    """
    config = method_config(name, device=device, weights=weights, download=download, **settings)
    return built_method(config, compile=compile, build=built)


def method_config(
    name: str,
    *,
    device: str = "auto",
    weights: Path | str | Mapping[str, Path | str | None] | None = None,
    download: bool = False,
    **settings: Any,
) -> DictConfig:
    """The configuration from which `load_method` builds; arguments and errors as there."""
    require_name("method", name)
    place = best_device() if device == "auto" else device
    with composed("segment", [f"method={name}", f"device={place}", "video=none", "click=[0,0,0]"]) as cfg:
        config = DictConfig(plain(cfg.method))
    config = with_settings(config, settings)
    if isinstance(weights, Mapping):
        return with_settings(config, {f"{key}.weights": file for key, file in weights.items()})
    places = weight_folders([] if weights is None else [Path(weights)])
    return DictConfig(_with_files(plain(config), places, download=download))


def about(name: str, **options: Any) -> dict[str, Any]:
    """What tells an evaluation of a method from others: its configuration, the hashes of its weights."""
    return about_method(plain(method_config(name, **options)))


def _with_files(value: Any, places: Sequence[Path], *, download: bool) -> Any:
    """A configuration with the paths of weight files in place of the calls that look for them by name."""
    if not isinstance(value, dict):
        return value
    finder = str(value.get("_target_", "")).rpartition(".")[2]
    if finder not in FINDERS:
        return {key: _with_files(part, places, download=download) for key, part in value.items()}
    if finder != "published_weights":
        found = find_file([f"{value['name']}.safetensors"], places)
    else:
        record = find_record(value["name"])
        found = find_file(file_names(record), places)
        if found is None and download:
            found = fetch(record, places[0])
    return value if found is None else str(found)  # the call says what is missing
