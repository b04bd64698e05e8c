"""What a round's prompts achieve: the annotated frames right after them, and rounds that improved nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

SAMPLE_ROUND = ["sequence", "scribble_idx", "interaction"]
FRAMES = "annotated_frames"


def annotated_scores(report: pd.DataFrame, rounds: int) -> tuple[float, ...]:
    """Mean J&F of the frames that were annotated in each round, right after it; every object weighs the same.

    NaN where no frame was annotated; empty when the report does not say which frames were.
    """
    if FRAMES not in report.columns:
        return ()
    frames = report.groupby(SAMPLE_ROUND, sort=False)[FRAMES].first().str.split().explode().dropna()
    chosen = frames.astype(int).rename("frame").reset_index()
    rows = report.merge(chosen, on=[*SAMPLE_ROUND, "frame"])
    objects = rows.groupby([*SAMPLE_ROUND, "object_id"])["j_and_f"].mean()
    return _by_round(objects.groupby(level="interaction").mean(), rounds)


def not_improved(report: pd.DataFrame, rounds: int) -> tuple[float, ...]:
    """Share of samples whose J&F each round did not raise; before round 1 it is 0.

    Only samples that had prompts in the round and were played in the one before count; NaN where there is
    none, empty when the report does not say which frames were annotated.
    """
    if FRAMES not in report.columns:
        return ()
    prompted = report[report[FRAMES] != ""].groupby(SAMPLE_ROUND)["j_and_f"].mean()
    played = {key: float(value) for key, value in report.groupby(SAMPLE_ROUND)["j_and_f"].mean().items()}
    outcomes: dict[int, list[bool]] = {}
    for (sequence, label, number), value in prompted.items():
        before = played.get((sequence, label, number - 1)) if number > 1 else 0.0
        if before is not None:
            outcomes.setdefault(number, []).append(value <= before)
    return _by_round({number: sum(same) / len(same) for number, same in outcomes.items()}, rounds)


def _by_round(values: Mapping[Any, Any] | pd.Series, rounds: int) -> tuple[float, ...]:
    return tuple(float(values.get(i + 1, math.nan)) for i in range(rounds))
