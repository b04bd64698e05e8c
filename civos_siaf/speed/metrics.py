"""Metrics, robot and clicks of the benchmark on synthetic data: milliseconds, best of several calls.

The figures of the original toolkit are recorded ones, from 2 cores of an x86-64 machine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.benchmark import ScribbleRobot, click_strategy, f_measure, jaccard
from civos_siaf.benchmark.clicks import AnnotatedFrame
from civos_siaf.benchmark.scribbles import from_strokes
from civos_siaf.speed.timing import best_of

Row = dict[str, object]
LabelVideo = NDArray[np.uint8]


def made_video(
    num_frames: int, height: int, width: int, num_objects: int = 3
) -> tuple[LabelVideo, LabelVideo]:
    """Truth and a warped prediction (T, H, W): star-shaped objects that move and deform."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    truth = np.zeros((num_frames, height, width), np.uint8)
    for t in range(num_frames):
        for k in range(1, num_objects + 1):
            y = height * (0.3 + 0.4 * ((k * 0.61) % 1)) + 6 * np.sin(t / 9 + k)
            x = width * (k - 0.5) / num_objects + 10 * np.cos(t / 7 + k)
            angle = np.arctan2(rows - y, columns - x)
            radius = 0.16 * min(height, width * 2 / num_objects) * (1 + 0.25 * np.sin(5 * angle + t / 8))
            truth[t][np.hypot(rows - y, columns - x) < radius] = k
    shift_x = (columns + 5 * np.sin(rows / 23)).astype(np.float32)
    shift_y = (rows + 4 * np.cos(columns / 31)).astype(np.float32)
    warped = [cv2.remap(labels, shift_x, shift_y, cv2.INTER_NEAREST) for labels in truth]
    return truth, np.stack(warped)


def run(*, frames: int = 70, height: int = 480, width: int = 854, repeats: int = 5) -> Iterator[Row]:
    """One row per part: ours, the target, the original's."""
    n = 3
    truth, prediction = made_video(frames, height, width, n)
    y, p = truth[frames // 2], prediction[frames // 2]
    robot = ScribbleRobot()
    wrong = ", ".join(str(np.count_nonzero((y == k) & (p != k))) for k in range(n + 1))

    def row(part: str, seconds: float, target: str, original: str) -> Row:
        return {"part": part, "ms": 1000 * seconds, "target": target, "original": original}

    def timed(function: Callable[[], object]) -> float:
        return best_of(function, repeats=repeats)

    yield row("J per frame", timed(lambda: jaccard(truth, prediction, n)) / frames, "0.5", "3.1-4.4")
    yield row("F per frame", timed(lambda: f_measure(truth, prediction, n)) / frames, "3", "18.5")
    usual = timed(lambda: robot.draw(y, p, n))
    yield row(f"robot, regions of {wrong} px", usual, "80", "610-780")
    yield row("robot, empty prediction", timed(lambda: robot.draw(y, np.zeros_like(p), n)), "-", "710")
    yield row("robot, everything object 1", timed(lambda: robot.draw(y, np.ones_like(p), n)), "-", "1100")
    lines = from_strokes({0: robot.draw(y, p, n)}, sequence="made", num_frames=1, times=(0, 0))
    frame = AnnotatedFrame(
        index=0, lines=lines["scribbles"][0], truth=y, prediction=p, first_round=False, num_objects=n
    )
    for name in ("f1", "f2", "f3", "f3_regions"):
        strategy = click_strategy(name)
        assert strategy is not None
        yield row(f"clicks {name}", timed(partial(strategy, frame)), "-", "-")
    yield {"part": f"load average {os.getloadavg()[0]:.2f}", "ms": "", "target": "", "original": ""}
