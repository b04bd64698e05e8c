"""Corrections that stay where they were made."""

from __future__ import annotations

from collections.abc import Collection

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.prompts import Prompts
from civos_siaf.prompts.rasterize import rasterize_prompts

REACH = 2
"""Pixels around a mark that count as touched."""


def limit_change_to_strokes(
    before: NDArray[np.uint8], after: NDArray[np.uint8], prompts: Prompts, *, new: Collection[int] = ()
) -> NDArray[np.uint8]:
    """Labels (H, W) after a correction, changed only in regions that touch its strokes or clicks.

    A region is a connected set of pixels that change from the same label to the same label.

    Args:
        before: labels (H, W).
        after: those that the correction would give, (H, W).
        prompts: of the correction, on this frame.
        new: objects that may come anywhere.
    """
    marks = rasterize_prompts(prompts, (before.shape[0], before.shape[1]), previous=before) >= 0
    touched = cv2.dilate(marks.view(np.uint8), np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)) > 0
    different = before != after
    out = np.where(np.isin(after, list(new)), after, before)
    change = before.astype(np.int32) * 256 + after
    for kind in np.unique(change[different & touched]):
        _, regions = cv2.connectedComponents((different & (change == kind)).view(np.uint8), connectivity=8)
        hit = np.unique(regions[touched])
        here = np.isin(regions, hit[hit > 0])
        out[here] = after[here]
    return out
