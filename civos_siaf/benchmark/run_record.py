"""`run.json`: the settings of an evaluation, by which an interrupted one is recognised."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from civos_siaf.benchmark.clicks import ClickStrategy
from civos_siaf.benchmark.clock import Clock
from civos_siaf.benchmark.dataset import DavisDataset
from civos_siaf.benchmark.environment import environment
from civos_siaf.benchmark.method_identity import source_hash, state_hash
from civos_siaf.benchmark.rules import Rules, TimeLimit
from civos_siaf.benchmark.samples import Sample
from civos_siaf.benchmark.table import SequenceInfo
from civos_siaf.next_frame import NextFrame, WorstFrame
from civos_siaf.runtime.files import write_text

FILE_NAME = "run.json"
SOURCE, STATE = "hash of its source", "hash of its weights and arrays"
"""Names under which the hashes are noted among the method's values."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What is noted of a run.

    Attributes:
        settings: must agree for the run to go on.
        samples: likewise.
        environment: it was begun in.
        method_values: the hash of the method's source and, where nothing was said about it, numbers and
            texts in its attributes and the hash of its networks and arrays; those that are noted must agree,
            too. None: not noted.
        begun: date and time, ISO 8601; None: not noted.
    """

    settings: dict[str, Any]
    samples: list[Sample]
    environment: dict[str, Any]
    method_values: dict[str, Any] | None = None
    begun: str | None = None

    @classmethod
    def of(
        cls,
        *,
        method: object,
        dataset: DavisDataset,
        rules: Rules,
        clicks: ClickStrategy | None,
        clock: Clock,
        samples: Sequence[Sample],
        about: Mapping[str, Any] | None,
        next_frame: NextFrame | None = None,
    ) -> RunRecord:
        """The record of a run about to begin; arguments as for `Evaluation`."""
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
            "rules": _rules(rules),
            "clicks": _describe(clicks) if clicks else None,
            "clock": _describe(clock),
            **_about_next_frame(next_frame),
            **(about or {}),
        }
        # Through JSON and back, so that a record compares equal to itself read from disk.
        return cls(
            json.loads(json.dumps(settings, default=str)),
            list(samples),
            environment(),
            _method_values(method, about),
            datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )

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

    @property
    def origin(self) -> str:
        """When and of what commit it was begun, as far as that is noted."""
        commit = self.environment.get("commit")
        parts = (f"begun {self.begun}" if self.begun else "", f"at commit {commit}" if commit else "")
        return " ".join(filter(None, parts)) or "no one noted when"

    def write(self, folder: Path) -> RunRecord:
        """Write `run.json`, or keep the one there if it is of the same run; returns the one there is then.

        Raises:
            ValueError: the folder holds a run with other settings, or of a method with other values.
        """
        if (folder / FILE_NAME).exists():
            there = RunRecord.read(folder)
            if changed := self.differences(there):
                raise ValueError(
                    f"{folder} holds an evaluation with other settings ({'; '.join(changed)}); "
                    "choose another folder, or remove this one"
                )
            return there
        content = {
            "session_id": self.session_id,
            "settings": self.settings,
            "samples": [asdict(sample) for sample in self.samples],
            "environment": self.environment,
            "method_values": self.method_values,
            "begun": self.begun,
        }
        write_text(folder / FILE_NAME, json.dumps(content, indent=1) + "\n")
        return self

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
            values, begun = content.get("method_values"), content.get("begun")
            return cls(content["settings"], samples, content["environment"], values, begun)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}: not the record of an evaluation ({error!r})") from error

    def differences(self, there: RunRecord) -> list[str]:
        """What keeps another record from being one of the same run, a phrase each."""
        changed = _differences(there.settings, self.settings)
        if self.samples != there.samples:
            changed.append("the samples")
        theirs, ours = there.method_values or {}, self.method_values or {}
        known = theirs.keys() & ours.keys()
        values = [{"method": {key: side[key] for key in known}} for side in (theirs, ours)]
        return changed + _differences(*values)


def _differences(there: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    theirs, ours = _flat(there), _flat(now)

    def shown(values: Mapping[str, Any], key: str) -> str:
        parts = key.split(".")
        known = any(".".join(parts[:n]) in values for n in range(1, len(parts) + 1))
        return repr(values.get(key)) if known else "not noted"

    return [
        f"{key}: {shown(theirs, key)} there, {shown(ours, key)} now"
        for key in sorted(ours.keys() | theirs.keys())
        if json.dumps(ours.get(key)) != json.dumps(theirs.get(key))
    ]


def _method_values(method: object, about: Mapping[str, Any] | None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if about is None:
        values = {**_values(getattr(method, "__dict__", {})), STATE: state_hash(method)}
    return {key: value for key, value in {**values, SOURCE: source_hash(method)}.items() if value is not None}


def _rules(rules: Rules) -> dict[str, Any]:
    """As they are noted; strokes only where they are changed, so that runs begun without the field go on."""
    noted = asdict(rules)
    if rules.strokes is None:
        del noted["strokes"]
    return noted


def _about_next_frame(chooser: NextFrame | None) -> dict[str, Any]:
    """How the next frame is chosen; nothing for the worst one of the published evaluations."""
    if chooser is None:
        return {}
    own = {"name": type(chooser).__name__, **_values(vars(chooser))}
    if own == {"name": WorstFrame.__name__, **_values(vars(WorstFrame()))}:
        return {}
    state = state_hash(chooser)
    return {"next_frame": own if state is None else {**own, STATE: state}}


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


_NO_VALUE = object()


def _values(thing: object) -> Any:
    """Numbers and texts of a value and what it contains, as JSON has them; else `_NO_VALUE`."""
    if thing is None or isinstance(thing, (bool, int, float, str)):
        return thing
    if is_dataclass(thing) and not isinstance(thing, type):
        thing = {field.name: getattr(thing, field.name) for field in fields(thing)}
    if isinstance(thing, Mapping):
        found = {str(key): _values(value) for key, value in thing.items()}
        return {key: value for key, value in found.items() if value is not _NO_VALUE}
    if isinstance(thing, (list, tuple)):
        return [value for value in map(_values, thing) if value is not _NO_VALUE]
    return _NO_VALUE
