"""Weight files by name: the package's own, the published ones, and those of one's own trainings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, overload

from civos_siaf.runtime.resources import distinct_folders, resource_folder
from civos_siaf.weights.manifest import WeightRecord, find_record

VARIABLE = "CIVOS_SIAF_CHECKPOINTS"
"""Environment variable that names other folders of checkpoints, apart by colons (semicolons on Windows)."""

TRAININGS = Path("outputs/train")
"""Where trainings are, unless they are given another folder."""
TRAINED = "weights.safetensors"
"""What a training leaves."""
TRAINED_AT = {
    "siaf_r50": ("siaf_r50", "lvis-davis", " stages=[lvis,davis]"),
    "siaf_r50_y": ("siaf_r50", "davis", ""),
    "siaf_r50_no_afa": ("siaf_r50_no_afa", "davis", ""),
    "siaf_swinb": ("siaf_swinb", "lvis-davis", " stages=[lvis,davis]"),
    "siaf_swinb_y": ("siaf_swinb", "davis", ""),
    "siaf_swinb_y_single": ("siaf_swinb_single", "davis", ""),
    "siaf_swinb_lvis": ("siaf_swinb", "lvis", " stage=lvis"),
    "siaf_swinb_no_afa": ("siaf_swinb_no_afa", "lvis", " stage=lvis"),
}
"""Weights that are trained: experiment, folder below that of the training, and further options of it."""
TRAINED_BY = {name: experiment for name, (experiment, *_) in TRAINED_AT.items()}
"""Experiments by the names of their weights."""

PUBLISHED_CLICKS = {"hrnet18s_ocr": "ritm-h18s", "hrnet18_ocr": "ritm-h18", "hrnet32_ocr": "ritm-h32"}
"""Published files by the names of click networks in `configs/network/`."""

_INSTEAD = "or give the option that takes the file another one, or null for an untrained network"


def weight_folders(given: Sequence[Path] = ()) -> list[Path]:
    """Where weight files are looked for, in order.

    The folders of `CIVOS_SIAF_CHECKPOINTS`, `checkpoints` in the current folder, and that of the checkout or
    the installed package.

    Args:
        given: looked into before these.
    """
    folders = [Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
    here, ours = Path("checkpoints"), resource_folder("checkpoints")
    return distinct_folders([*given, *folders, *([] if here.absolute() == ours.absolute() else [here]), ours])


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
    record = find_record(name)
    path = find_file(file_names(record))
    if path is None:
        raise FileNotFoundError(
            f"no {record.file_name} in {_places()}: fetch it with `python scripts/download_weights.py "
            f"{name}` or by hand from {record.page}; {_INSTEAD}"
        )
    return path


def click_weights(network: str) -> Path:
    """The included or published file of a network in `configs/network/`.

    Args:
        network: such as "light_clicks".

    Raises:
        FileNotFoundError: it is nowhere; says how to get it.
        ValueError: there is none for this network.
    """
    if network == "light_clicks":
        return own_weights(network)
    if network not in PUBLISHED_CLICKS:
        raise ValueError(f"network={network} has no published weights: weights=FILE, or weights=untrained")
    return published_weights(PUBLISHED_CLICKS[network])


def trained_weights(name: str, run: Path | str | None = None) -> Path:
    """The file of a model that nobody has published, once it was trained.

    It is looked for where weights are, under its name, then where its training has written it.

    Args:
        name: of the file, without its ending; one of `TRAINED_AT`.
        run: folder of a training, such as outputs/train/siaf_swinb, or of one of its stages; then only there.

    Raises:
        FileNotFoundError: it is nowhere; says how to train it.
        ValueError: another name.
    """
    if name not in TRAINED_AT:
        raise ValueError(f"no experiment is known to train {name!r}; there are {', '.join(TRAINED_AT)}")
    experiment, stage, options = TRAINED_AT[name]
    if run is not None:
        return trained_file(Path(run), stage)
    file = f"{name}.safetensors"
    path = find_file([file]) or find_file([TRAINED], [TRAININGS / experiment / stage])
    if path is None:
        raise FileNotFoundError(
            f"no {file} in {_places()}, nor {TRAININGS / experiment / stage / TRAINED}: nobody has published "
            f"it; train it with `python scripts/train.py experiment={experiment} data_root=DATA{options}`; "
            f"run=FOLDER names another training's folder; {_INSTEAD}"
        )
    return path


def trained_file(run: Path, stage: str) -> Path:
    """The weights in the folder of a training: those of a stage, or else of its last one, or its own.

    Raises:
        FileNotFoundError: there are none; lists what the folder has.
    """
    places = [run / stage, run, *(run / name for name in ("davis", "lvis-davis", "ytb", "lvis"))]
    path = find_file([TRAINED], places)
    if path is None:
        there = ", ".join(sorted(part.name for part in run.iterdir())) if run.is_dir() else "no such folder"
        raise FileNotFoundError(f"no {TRAINED} of a finished training in {run} ({there or 'it is empty'})")
    return path


def _places() -> str:
    return ", ".join(map(str, weight_folders()))
