"""f1, f2 and f3 against the published click code: `clicks.json`, `clicks.npz`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from civos_siaf.benchmark import scribbles
from civos_siaf.benchmark.clicks import F1, F2, F3, AnnotatedFrame, ClickStrategy
from tests.parity.check import Check, Folder

F3_NAME = re.compile(r"f3_max(?P<limit>\d+)_area(?P<area>\d+)(_minregion(?P<region>\d+))?")


def check(folder: Folder) -> Iterator[Check]:
    """Every click list and rasterised scribble; pixels must be equal."""
    recorded = folder.json("clicks.json")
    arrays = folder.arrays("clicks.npz")
    for case, results in recorded["cases"].items():
        truth, prediction = arrays[f"{case}_gt"], arrays[f"{case}_pred"]
        for name, expected in results.items():
            if first := re.fullmatch(r"f3_first_max(\d+)", name):
                strategy = F3(max_clicks=int(first[1]), published_quirks=True)
            elif match := F3_NAME.fullmatch(name):
                strategy = F3(
                    max_clicks=int(match["limit"]),
                    minimal_area=int(match["area"]),
                    minimal_region=int(match["region"] or 0),
                    published_quirks=True,
                )
            else:
                continue
            frame = AnnotatedFrame(
                index=0,
                lines=[],
                truth=truth,
                prediction=prediction,
                first_round=bool(first),
                num_objects=max(int(truth.max()), int(prediction.max())),
            )
            yield _compare(f"clicks/{case}/{name}", strategy, frame, expected)
    for name, recording in recorded["scribbles"].items():
        yield from _check_scribbles(name, recording, (recorded["H"], recorded["W"]), arrays)


def _check_scribbles(
    name: str, recording: dict[str, Any], size: tuple[int, int], arrays: dict[str, Any]
) -> Iterator[Check]:
    index = recording["frame"]
    drawn = scribbles.to_labels(recording["scribbles"], height=size[0], width=size[1])[index]
    yield Check.compare(f"clicks/scribbles/{name}/mask", drawn, arrays[f"scribble_{name}_mask"])
    nothing = np.zeros(size, np.uint8)
    frame = AnnotatedFrame(
        index=index,
        lines=recording["scribbles"]["scribbles"][index],
        truth=nothing,
        prediction=nothing,
        first_round=True,
        num_objects=0,
    )
    for key, expected in recording.items():
        if key == "f1":
            yield _compare(f"clicks/scribbles/{name}/f1", F1(published_quirks=True), frame, expected)
        elif match := re.fullmatch(r"f2_max(\d+)", key):
            yield _compare(f"clicks/scribbles/{name}/{key}", F2(max_clicks=int(match[1])), frame, expected)


def _compare(
    name: str, strategy: ClickStrategy, frame: AnnotatedFrame, expected: dict[str, list[list[int]]]
) -> Check:
    clicks = strategy(frame)
    ours = {
        sign: [[c.object_id, int(c.y), int(c.x)] for c in clicks if c.positive == positive]
        for sign, positive in (("pos", True), ("neg", False))
    }
    return Check.equal(name, ours, {sign: expected[sign] for sign in ours})
