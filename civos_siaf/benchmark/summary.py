"""From a report to the numbers of the benchmark: AUC, R-AUC, the metric at 60 s, curves.

Source: docs/specification/davis-interactive.md sections 8, 9.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.integrate import trapezoid

from civos_siaf.benchmark.corrections import annotated_scores, not_improved
from civos_siaf.benchmark.rules import METRICS, TimeLimit
from civos_siaf.benchmark.samples import Sample

THRESHOLD_SECONDS = 60.0
COLUMN_OF = {"J": "jaccard", "F": "contour", "J_AND_F": "j_and_f"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One metric over time: both have n + 2 values, from (0, 0) to the end of the time axis.

    Attributes:
        seconds: mean time used after 0..n rounds, then the end of the axis.
        values: the metric after 0..n rounds, the last one repeated.
    """

    seconds: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def auc(self) -> float:
        """Area under the curve over its longest time; 0 for a curve without duration."""
        longest = float(np.max(self.seconds))  # NaN when the end of the axis is unknown
        if longest == 0:
            return 0.0
        return float(trapezoid(self.values, self.seconds)) / longest

    @property
    def r_auc(self) -> float:
        """Area with the rounds in place of time; at most (n + 0.5) / (n + 1), 0.944 for 8 rounds."""
        return float(trapezoid(self.values)) / (len(self.values) - 1)

    @property
    def r_auc_normalised(self) -> float:
        """R-AUC over its largest possible value, so that 1 is perfect."""
        n = len(self.values) - 2
        return self.r_auc * (n + 1) / (n + 0.5)

    def at(self, seconds: float) -> float:
        """The metric at a time, linear between rounds; the last value beyond the end."""
        return float(np.interp(seconds, self.seconds, self.values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The result of an evaluation.

    Attributes:
        metric: the one by which the robot chose frames.
        curves: J, F and J_AND_F over time.
        rounds: n.
        round_seconds: mean seconds of each round over samples.
        clicks: mean clicks of each round over samples that played it.
        strokes: mean strokes, likewise.
        per_sequence: J_AND_F after each round, by sequence.
        annotated: mean J_AND_F of the frames annotated in each round, right after it; see `annotated_scores`.
        not_improved: share of samples that each round did not improve; see `not_improved`.
    """

    metric: str
    curves: dict[str, Curve]
    rounds: int
    round_seconds: tuple[float, ...]
    clicks: tuple[float, ...]
    strokes: tuple[float, ...]
    per_sequence: dict[str, tuple[float, ...]]
    annotated: tuple[float, ...] = ()
    not_improved: tuple[float, ...] = ()

    @property
    def auc(self) -> float:
        """AUC of the chosen metric."""
        return self.curves[self.metric].auc

    @property
    def r_auc(self) -> float:
        """R-AUC of the chosen metric, as published."""
        return self.curves[self.metric].r_auc

    @property
    def at_60s(self) -> float:
        """The chosen metric at 60 seconds."""
        return self.curves[self.metric].at(THRESHOLD_SECONDS)

    def original(self, metric: str | None = None) -> dict[str, Any]:
        """The dictionary of the original toolkit."""
        metric = metric or self.metric
        curve = self.curves[metric]
        return {
            "auc": curve.auc,
            "metric_at_threshold": {"threshold": 60, metric: curve.at(THRESHOLD_SECONDS)},
            "curve": {"time": list(curve.seconds), metric: list(curve.values)},
        }


def summarise(
    report: pd.DataFrame,
    samples: Sequence[Sample],
    *,
    metric: str = "J_AND_F",
    max_rounds: int | None = None,
    time_limit: TimeLimit | None = None,
    clip_time_axis: bool = False,
) -> Summary:
    """Summarise a report over the samples that were to be played, played or not.

    A sample that stopped early keeps its last scores at no further cost; one that was never played counts 0.

    Args:
        report: rows as `read_report` gives them.
        samples: all samples of the evaluation.
        metric: the metric of the summary's short properties.
        max_rounds: n; None: the last round in the report.
        time_limit: sets the end of the time axis; None: n times the slowest round.
        clip_time_axis: let no time lie beyond the end of the axis. The original does not clip, and a mean
            time beyond the end then makes the AUC collapse.

    Raises:
        ValueError: an unknown metric, or no samples.
    """
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")
    if not samples:
        raise ValueError("there are no samples to summarise")
    n = max_rounds or int(report["interaction"].max() if len(report) else 1)
    grid = complete(report, samples, n)
    seconds = grid["timing"][_first_objects(samples)].mean(axis=0)
    end = _end_of_axis(report, samples, n, time_limit)
    times = np.concatenate([[0.0], np.cumsum(seconds), [end]])
    if clip_time_axis:
        times = np.minimum(times, end)
    curves = {}
    for name, column in COLUMN_OF.items():
        values = grid[column].mean(axis=0)
        curves[name] = Curve(seconds=tuple(times.tolist()), values=(0.0, *values.tolist(), float(values[-1])))
    return Summary(
        metric=metric,
        curves=curves,
        rounds=n,
        round_seconds=tuple(seconds.tolist()),
        clicks=_mean_per_round(report, "clicks", n),
        strokes=_mean_per_round(report, "strokes", n),
        per_sequence=_per_sequence(grid["j_and_f"], samples),
        annotated=annotated_scores(report, n),
        not_improved=not_improved(report, n),
    )


def complete(report: pd.DataFrame, samples: Sequence[Sample], n: int) -> dict[str, NDArray[np.float64]]:
    """Means over frames of each metric and of the seconds: (samples x objects, n), samples outside.

    A round of which any object is missing takes the values of the round before, at no time; zeros before the
    first.
    """
    columns = [*COLUMN_OF.values(), "timing"]
    report = report.assign(scribble_idx=report["scribble_idx"].astype(str))
    keys = ["sequence", "scribble_idx", "interaction", "object_id"]
    means = report.groupby(keys)[columns].mean()
    played = {key: group.to_numpy() for key, group in means.groupby(level=[0, 1, 2])}
    blocks = []
    for sample in samples:
        block = np.zeros((sample.info.num_objects, n, len(columns)))
        for i in range(n):
            group = played.get((*sample.key, i + 1))
            if group is not None and len(group) >= sample.info.num_objects:
                block[:, i] = group[: sample.info.num_objects]
            elif i > 0:
                block[:, i, :-1] = block[:, i - 1, :-1]
        blocks.append(block)
    stacked = np.concatenate(blocks)
    return {column: stacked[..., index] for index, column in enumerate(columns)}


def _first_objects(samples: Sequence[Sample]) -> list[int]:
    """Rows of the grid that hold each sample's object 1."""
    counts = [sample.info.num_objects for sample in samples]
    return [sum(counts[:index]) for index in range(len(counts))]


def _end_of_axis(
    report: pd.DataFrame, samples: Sequence[Sample], n: int, time_limit: TimeLimit | None
) -> float:
    if time_limit is None:
        return n * float(report["timing"].max()) if len(report) else math.nan
    objects = {sample.sequence: sample.info.num_objects for sample in samples}
    return time_limit.seconds_per_sample(n) * (sum(objects.values()) / len(objects))


def _mean_per_round(report: pd.DataFrame, column: str, n: int) -> tuple[float, ...]:
    if column not in report.columns:
        return ()
    first = report.groupby(["sequence", "scribble_idx", "interaction"], sort=False)[column].first()
    means = dict(first.groupby(level="interaction").mean())
    return tuple(float(means.get(i + 1, math.nan)) for i in range(n))


def _per_sequence(values: NDArray[np.float64], samples: Sequence[Sample]) -> dict[str, tuple[float, ...]]:
    names = np.repeat([s.sequence for s in samples], [s.info.num_objects for s in samples])
    return {
        name: tuple(values[names == name].mean(axis=0).tolist())
        for name in dict.fromkeys(sample.sequence for sample in samples)
    }
