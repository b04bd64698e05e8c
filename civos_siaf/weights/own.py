"""Weight files by name: the package's own, the published ones, and those of one's own trainings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, overload

from civos_siaf.places import distinct, folder
from civos_siaf.weights.registry import WeightRecord, find

VARIABLE = "CIVOS_SIAF_CHECKPOINTS"
"""Environment variable that names another folder of checkpoints."""

TRAINED_BY = {"siaf_r50_y": "siaf_r50", "siaf_swinb_y": "siaf_swinb"}
"""Experiments by the names under which `method=siaf_r50` and `method=siaf_swinb` look for their weights."""

_INSTEAD = "or give the option that takes the file another one, or null for an untrained network"


def weight_folders(given: Sequence[Path] = ()) -> list[Path]:
    """Where weight files are looked for, in order.

    The folder of `CIVOS_SIAF_CHECKPOINTS`, `checkpoints` in the current folder, and that of the checkout or
    the installed package.

    Args:
        given: looked into before these.
    """
    folders = [Path(os.environ[VARIABLE])] if VARIABLE in os.environ else []
    here, ours = Path("checkpoints"), folder("checkpoints")
    return distinct([*given, *folders, *([] if here.absolute() == ours.absolute() else [here]), ours])


def file_names(record: WeightRecord) -> tuple[str, ...]:
    """Names under which a published file counts: its authors', others, those of safetensors versions."""
    names = (record.file_name, *record.also)
    return tuple(dict.fromkeys([*names, *(f"{Path(name).stem}.safetensors" for name in names)]))


def find_file(names: Sequence[str], folders: Sequence[Path] | None = None) -> Path | None:
    """The first file that is there.

    Args:
        names: of the file, in order of preference.
        folders: where to look, in order; None: `weight_folders()`.
    """
    places = weight_folders() if folders is None else folders
    return next((path for place in places for name in names if (path := place / name).is_file()), None)


@overload
def own_weights(name: str, *, required: Literal[True] = True) -> Path: ...


@overload
def own_weights(name: str, *, required: bool) -> Path | None: ...


def own_weights(name: str, *, required: bool = True) -> Path | None:
    """The file of a model that comes with the package, such as "light_clicks".

    Args:
        name: of the file, without its ending.
        required: otherwise a file that is nowhere is None.

    Raises:
        FileNotFoundError: it is nowhere; lists the places.
    """
    file = f"{name}.safetensors"
    path = find_file([file])
    if path is None and required:
        raise FileNotFoundError(f"no {file} in {_places()}; set {VARIABLE} to the folder that has it")
    return path


def published_weights(name: str) -> Path:
    """The file of a published model, such as "ritm-h18s", where `download_weights.py` puts it.

    Args:
        name: as that script lists it. The file has the name its authors gave it; one that was converted to
            safetensors counts, too.

    Raises:
        FileNotFoundError: it is nowhere; says how to get it.
        ValueError: no such model.
    """
    record = find(name)
    path = find_file(file_names(record))
    if path is None:
        raise FileNotFoundError(
            f"no {record.file_name} in {_places()}: fetch it with `python scripts/download_weights.py "
            f"{name}` or by hand from {record.page}; {_INSTEAD}"
        )
    return path


def trained_weights(name: str) -> Path:
    """The file of a model that nobody has published, once it was trained.

    Args:
        name: of the file, without its ending; one of `TRAINED_BY`.

    Raises:
        FileNotFoundError: it is nowhere; says how to train it.
        ValueError: another name.
    """
    if name not in TRAINED_BY:
        raise ValueError(f"no experiment is known to train {name!r}; there are {', '.join(TRAINED_BY)}")
    file = f"{name}.safetensors"
    path = find_file([file])
    if path is None:
        raise FileNotFoundError(
            f"no {file} in {_places()}: nobody has published it; train it with `python scripts/train.py "
            f"experiment={TRAINED_BY[name]} data_root=DATA` and copy its weights.safetensors there; "
            + _INSTEAD
        )
    return path


def _places() -> str:
    return ", ".join(map(str, weight_folders()))
