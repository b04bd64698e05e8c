"""What is run for a cell, and which figure of the run the cell shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.integrate import trapezoid

from civos_siaf.benchmark.summary import THRESHOLD_SECONDS

KINDS = ("evaluation", "costs", "objects", "interactive")
"""An evaluation; costs of SIAF's parts; seconds by number of objects; seconds per click and per frame."""
RESULT = {
    "evaluation": "summary.json",
    "costs": "costs.json",
    "objects": "objects.json",
    "interactive": "interactive.json",
}
"""The file that a finished run has in its folder."""
_MEANS = ("seconds_per_round", "clicks_per_round")
_METRICS = {
    "evaluation": ("r_auc", "auc", "at_60s", "round_auc", "after_round", *_MEANS),
    "costs": ("milliseconds", "mebibytes"),
    "objects": ("milliseconds_per_frame",),
    "interactive": ("first_click_seconds", "click_seconds", "frame_seconds", "mebibytes"),
}
_LIMIT, _FIRST = ("seconds_per_object", "scope"), "first_scribbles"
_EVALUATION = {"click_strategy", "max_clicks", "rounds", "frames_per_round", _FIRST, *_LIMIT}
_CHOICE, _USUAL_CHOICE = "next_frame", "worst"
"""Runs with the usual choice do not name it: what was played before there were others is found again."""
_COSTS = {"paper_table", "sizes", "frames"}
_OBJECTS = {"objects"}
_OF = {"evaluation": _EVALUATION, "costs": _COSTS, "objects": _OBJECTS, "interactive": _OBJECTS}
_AFTER = ("at_60s", "after_round")


class CannotRunError(Exception):
    """A cell cannot be run here; the message says what is missing and where it is to be had."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run; cells with equal runs share it.

    Attributes:
        kind: one of `KINDS`.
        role: which system, such as civos or siaf_r50; what stands for it is chosen by `Models`.
        settings: names and values, sorted.
        overrides: of the method's configuration, as on the command line.
    """

    kind: str
    role: str
    settings: tuple[tuple[str, Any], ...]
    overrides: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Any:
        return dict(self.settings)[name]

    def __str__(self) -> str:
        parts = [f"{key}={value}" for key, value in self.settings if key not in (*_LIMIT, _FIRST)]
        return " ".join((self.role, *parts, *self.overrides))

    def get(self, name: str) -> Any:
        """A setting; None if it is not named."""
        return dict(self.settings).get(name)

    @property
    def command(self) -> list[str]:
        """The options of `scripts/eval_davis.py` that play this evaluation; for costs the method's."""
        if self.kind != "evaluation":
            return [*self.overrides]
        chosen = dict(self.settings)
        options = [f"{key}={chosen[key]}" for key in chosen if key not in (*_LIMIT, _FIRST)]
        if chosen[_LIMIT[0]] is None:
            options.append("rules.time_limit=null")
        else:
            options += [f"rules.time_limit.{key}={chosen[key]}" for key in _LIMIT]
        return [*options, f"dataset.num_first_scribbles={chosen[_FIRST]}", *self.overrides]


@dataclass(frozen=True, slots=True)
class Measure:
    """Which figure of a run a cell shows.

    Attributes:
        metric: r_auc, auc, at_60s, round_auc, after_round, seconds_per_round, clicks_per_round; milliseconds,
            mebibytes; milliseconds_per_frame; first_click_seconds, click_seconds, frame_seconds.
        scale: the figure is multiplied by this.
        after: of an evaluation: as if it had ended after this many rounds; None: all. For at_60s and
            after_round.
        case: of costs the part, of objects their number.
    """

    metric: str
    scale: float = 1.0
    after: int | None = None
    case: str = ""

    def of(self, folder: Path, kind: str) -> float:
        """Read the figure from the folder of a finished run.

        Raises:
            CannotRunError: the run does not have it.
            ValueError: the file is not what a run writes.
        """
        path = folder / RESULT[kind]
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if kind == "evaluation":
                return self.scale * self._of_evaluation(content)
            return self.scale * float(content["rows"][self.case][self.metric])
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path}: no {self.metric} {self.case} in it ({error!r})") from error

    def _of_evaluation(self, content: Mapping[str, Any]) -> float:
        curve = content["metrics"]["J_AND_F"]
        if self.metric in _MEANS:
            return float(np.mean(content[self.metric]))
        if self.metric == "round_auc":
            return float(trapezoid(curve["values"][:-1])) / int(content["rounds"])
        if self.after is None:
            return float(curve[self.metric])
        if self.after > content["rounds"]:
            raise CannotRunError(f"needs {self.after} rounds; only {content['rounds']} were played")
        if self.metric == "after_round":
            return float(curve["values"][self.after])
        n = self.after + 1
        return float(np.interp(THRESHOLD_SECONDS, curve["seconds"][:n], curve["values"][:n]))


def run_of(settings: Mapping[str, Any], *, rounds: int | None, where: str) -> tuple[Run, Measure]:
    """A run and a measure from the entries of a table's file.

    Raises:
        ValueError: an entry is missing, unknown, or of another kind of run.
    """
    left = dict(settings)
    kind, role = left.pop("kind", "evaluation"), left.pop("role", None)
    if kind not in KINDS:
        raise ValueError(f"{where}: kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if not role:
        raise ValueError(f"{where}: no role")
    overrides = tuple(left.pop("overrides", ()))
    case = " ".join(str(left.pop(key)) for key in ("part", "item") if key in left)
    metric, scale, after = left.pop("metric", None), float(left.pop("scale", 1)), left.pop("after", None)
    if metric not in _METRICS[kind]:
        raise ValueError(f"{where}: metric must be one of {', '.join(_METRICS[kind])}, got {metric!r}")
    if after is not None and metric not in _AFTER:
        raise ValueError(f"{where}: after={after} is for {' and '.join(_AFTER)} only, got {metric}")
    if after is None and metric == "after_round":
        raise ValueError(f"{where}: after_round needs after, a number of rounds")
    choice = left.pop(_CHOICE, _USUAL_CHOICE) if kind == "evaluation" else _USUAL_CHOICE
    if set(left) != _OF[kind]:
        wrong = ", ".join(sorted(set(left) ^ _OF[kind]))
        raise ValueError(f"{where}: missing or unknown for {kind}: {wrong}")
    if kind == "evaluation" and rounds is not None:
        left["rounds"] = rounds
    if choice != _USUAL_CHOICE:
        left[_CHOICE] = choice
    frozen = tuple(sorted((key, _frozen(value)) for key, value in left.items()))
    return Run(kind, role, frozen, overrides), Measure(metric, scale, after, case)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
