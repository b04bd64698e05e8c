"""First scribbles for data sets that come without: the robot draws on the truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from civos_siaf.benchmark.robot import ScribbleRobot
from civos_siaf.benchmark.scribbles import Scribbles, from_strokes


def first_frame(truth: NDArray[np.uint8], num_objects: int, part: tuple[int, int] = (0, 1)) -> int:
    """The frame to begin with: most objects, then most of their pixels, then the lowest index.

    Args:
        truth: labels (T, H, W).
        num_objects: K.
        part: (i, n): look only at the i-th of n equal stretches of the video, so that several first
            scribbles stand on different frames.
    """
    index, parts = part
    start = index * len(truth) // parts
    stop = max((index + 1) * len(truth) // parts, start + 1)
    best = (-1, -1)
    frame = start
    for t in range(start, min(stop, len(truth))):
        pixels = np.bincount(truth[t].ravel(), minlength=num_objects + 1)[1 : num_objects + 1]
        rank = int(np.count_nonzero(pixels)), int(pixels.sum())
        if rank > best:
            best, frame = rank, t
    return frame


def draw_first_scribbles(
    truth: NDArray[np.uint8],
    *,
    sequence: str,
    num_objects: int,
    part: tuple[int, int],
    robot: ScribbleRobot,
) -> Scribbles:
    """Scribbles on one frame as if nothing had been found there; the same for every run."""
    frame = first_frame(truth, num_objects, part)
    strokes = robot.draw(truth[frame], np.zeros_like(truth[frame]), num_objects)
    return from_strokes({frame: strokes}, sequence=sequence, num_frames=len(truth), times=(0.0, 0.0))
