"""What a correction took away from an object: the propagation is to know it, or it is taken again."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

LEAST_OF_PICTURE = 0.001
LEAST_OF_OBJECT = 0.05
"""Smaller parts are rims and crumbs."""
MOST_OF_OBJECT = 10
"""Of a part many times as large as what is left, the object may be in it: the answer may have lost it."""
OPENING = 5
"""Pixels; thinner strips are differences of outline."""


def removed_parts(
    old: NDArray[np.uint8], new: NDArray[np.uint8], rejected: Sequence[tuple[int, int]]
) -> NDArray[np.bool_] | None:
    """The parts of objects that a person pointed at and that became background (H, W); None: there are none.

    A part many times as large as what is left of its object does not count: it may be the object itself.

    Args:
        old: labels (H, W) before a correction.
        new: labels after it.
        rejected: rows and columns of what the person said is no object; what else an answer leaves out may
            be its mistake.
    """
    gone = ((old > 0) & (new == 0)).astype(np.uint8)
    gone = cv2.morphologyEx(gone, cv2.MORPH_OPEN, np.ones((OPENING, OPENING), np.uint8))
    _, parts, stats, _ = cv2.connectedComponentsWithStats(gone, connectivity=8)
    left = np.bincount(new.ravel(), minlength=256)
    pointed = {int(parts[row, column]) for row, column in rejected}
    found = np.zeros(old.shape, dtype=bool)
    for number in pointed - {0}:
        part, area = parts == number, int(stats[number, cv2.CC_STAT_AREA])
        of = left[np.bincount(old[part]).argmax()]
        if max(LEAST_OF_PICTURE * old.size, LEAST_OF_OBJECT * of) <= area <= MOST_OF_OBJECT * of:
            found |= part
    return found if found.any() else None
