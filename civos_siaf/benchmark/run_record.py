"""`run.json`: the settings of an evaluation, by which an interrupted one is recognised."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

from civos_siaf.benchmark.clicks import ClickStrategy
from civos_siaf.benchmark.clock import Clock
from civos_siaf.benchmark.dataset import DavisDataset
from civos_siaf.benchmark.environment import environment
from civos_siaf.benchmark.rules import TimeLimit
from civos_siaf.benchmark.samples import Sample
from civos_siaf.benchmark.table import SequenceInfo
from civos_siaf.files import write_text

FILE_NAME = "run.json"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Settings (what must agree for a run to go on), samples, and the environment it was made in."""

    settings: dict[str, Any]
    samples: list[Sample]
    environment: dict[str, Any]

    @classmethod
    def of(
        cls,
        *,
        method: object,
        dataset: DavisDataset,
        rules: Any,
        clicks: ClickStrategy | None,
        clock: Clock,
        samples: Sequence[Sample],
        about: Mapping[str, Any],
    ) -> RunRecord:
        """The record of a run about to begin."""
        drawn = [name for name in dataset.sequences if not dataset.has_scribble_files(name)]
        settings = {
            "method": f"{type(method).__module__}.{type(method).__qualname__}",
            "dataset": {
                "split": dataset.split,
                "year": dataset.year,
                "resolution": dataset.resolution,
                "embedded": dataset.is_embedded,
                "note": dataset.note,
                "first_scribbles_by_the_robot": drawn,
            },
            "rules": asdict(rules),
            "clicks": _describe(clicks) if clicks else None,
            "clock": _describe(clock),
            **about,
        }
        # Through JSON and back, so that a record compares equal to itself read from disk.
        return cls(json.loads(json.dumps(settings, default=str)), list(samples), environment())

    @property
    def session_id(self) -> str:
        """64 hexadecimal digits that identify the settings and samples."""
        content = [self.settings, [asdict(sample) for sample in self.samples]]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def max_rounds(self) -> int | None:
        """The rules' number of rounds."""
        value = self.settings["rules"]["max_rounds"]
        return None if value is None else int(value)

    @property
    def time_limit(self) -> TimeLimit | None:
        """The rules' time limit."""
        value = self.settings["rules"]["time_limit"]
        return None if value is None else TimeLimit(**value)

    @property
    def metric(self) -> str:
        """The rules' metric."""
        return str(self.settings["rules"]["metric"])

    def write(self, folder: Path) -> None:
        """Write `run.json`, or keep the one there if it is of the same run.

        Raises:
            ValueError: the folder holds a run with other settings.
        """
        if (folder / FILE_NAME).exists():
            self._check_same(RunRecord.read(folder), folder)
            return
        content = {
            "session_id": self.session_id,
            "settings": self.settings,
            "samples": [asdict(sample) for sample in self.samples],
            "environment": self.environment,
        }
        write_text(folder / FILE_NAME, json.dumps(content, indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> RunRecord:
        """Read `run.json`.

        Raises:
            FileNotFoundError: the folder has none.
            ValueError: it is not what `write` wrote.
        """
        path = folder / FILE_NAME
        if not path.is_file():
            raise FileNotFoundError(f"no evaluation in {folder}: {FILE_NAME} is missing")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            samples = [
                Sample(SequenceInfo(**entry["info"]), tuple(entry["scribble_sets"]))
                for entry in content["samples"]
            ]
            return cls(content["settings"], samples, content["environment"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}: not the record of an evaluation ({error!r})") from error

    def _check_same(self, other: RunRecord, folder: Path) -> None:
        if self.session_id == other.session_id:
            return
        ours, theirs = _flat(self.settings), _flat(other.settings)
        changed = [
            f"{key}: {theirs.get(key)!r} there, {ours.get(key)!r} now"
            for key in sorted(ours.keys() | theirs.keys())
            if ours.get(key) != theirs.get(key)
        ]
        if self.samples != other.samples:
            changed.append("the samples")
        raise ValueError(
            f"{folder} holds an evaluation with other settings ({'; '.join(changed)}); "
            "choose another folder, or remove this one"
        )


def _describe(thing: object) -> dict[str, Any]:
    if is_dataclass(thing) and not isinstance(thing, type):
        values = asdict(thing)
    else:
        values = {key: value for key, value in vars(thing).items() if not key.startswith("_")}
    return {"name": type(thing).__name__, **values}


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat
