"""Looking for weight files and data sets in the usual places."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from civos_siaf.data.check_summary import Checked
from civos_siaf.data.check_videos import check_bl30k, check_davis, check_youtubevos
from civos_siaf.runtime.resources import distinct_folders
from civos_siaf.weights import locate
from civos_siaf.weights.hub import cached_folders
from civos_siaf.weights.manifest import DataNeeds, HubRecord, WeightRecord
from civos_siaf.weights.save import check_weights

DAVIS_VARIABLE = "DATASET_DAVIS"
"""Environment variable by which the original toolkit finds DAVIS."""
LOOKED_INTO = 2
"""Videos of a data set that are looked through."""


@dataclass(frozen=True)
class Found:
    """Where something is, or why it cannot be used.

    Attributes:
        path: None: nowhere.
        problem: None: in order.
        split: of DAVIS the list of sequences that is in order; val if it is.
    """

    path: Path | None = None
    problem: str | None = None
    split: str | None = None

    @property
    def usable(self) -> bool:
        """There, and in order."""
        return self.path is not None and self.problem is None


def data_folders(given: Sequence[Path]) -> list[Path]:
    """Those given, that of the environment, `data` here, and `/data`."""
    named = [Path(os.environ[DAVIS_VARIABLE])] if DAVIS_VARIABLE in os.environ else []
    return distinct_folders([*given, *named, Path("data"), Path("/data")])


def find_weights(record: WeightRecord, folders: Sequence[Path]) -> Found:
    """The first file of that name; one that was converted to safetensors counts, too."""
    path = locate.find_file(locate.file_names(record), folders)
    if path is None:
        return Found()
    try:
        check_weights(path, record)
    except (OSError, ValueError) as error:
        return Found(path, str(error))
    return Found(path)


def find_hub(record: HubRecord, folders: Sequence[Path]) -> Found:
    """The first folder of that name with a model in it, or the one in the cache of the Hugging Face hub."""
    for place in (folder / record.name for folder in folders):
        if (place / "config.json").is_file():
            size = sum(path.stat().st_size for path in place.glob("model*.safetensors"))
            # Half of it: a model may be saved in half precision.
            whole = size >= record.bytes // 2
            return Found(place, None if whole else f"{size} bytes of weights of at least {record.bytes // 2}")
    found = cached_folders(record)
    return Found(found[-1]) if found else Found()


def find_data(name: str, needs: DataNeeds, folders: Sequence[Path]) -> Found:
    """The first folder that has what is needed: `place/name`, `place/DAVIS`, or the place itself."""
    partly = Found()
    for place in folders:
        candidates = [place / name, *([place / "DAVIS", place] if needs.needs else [])]
        for path in filter(Path.is_dir, candidates):
            missing = [part for part in needs.needs if not (path / part).exists()]
            if not missing:
                return _davis(name, path) if needs.check == "davis" else _other(needs.check, path)
            if path == place / name and partly.path is None:
                partly = Found(path, f"no {', no '.join(missing)}")
    return partly


def _davis(name: str, path: Path) -> Found:
    year = int(name.removeprefix("davis"))
    lists = sorted(
        (path / "ImageSets" / str(year)).glob("*.txt"), key=lambda file: (file.stem != "val", file)
    )
    problem = f"no lists of sequences in {path / 'ImageSets' / str(year)}"
    for split in (file.stem for file in lists):
        found = _first_problem(lambda s=split: check_davis(path, year=year, split=s, limit=LOOKED_INTO))  # type: ignore[misc]
        if found is None:
            return Found(path, None, split)
        problem = found
    return Found(path, problem)


def _other(layout: str, path: Path) -> Found:
    if layout == "youtubevos":
        return Found(path, _first_problem(lambda: check_youtubevos(path, limit=LOOKED_INTO)))
    if layout == "bl30k":
        return Found(path, _first_problem(lambda: check_bl30k(path, limit=LOOKED_INTO)))
    return Found(path)


def _first_problem(look: Callable[[], Iterator[Checked]]) -> str | None:
    try:
        return next((str(problem) for part in look() for problem in part.problems), None)
    except (OSError, ValueError) as error:
        return str(error)
