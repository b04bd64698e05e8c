"""True masks made wrong, as an earlier round would have left them (spec mivos 3.3)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.data.users.morphology import Mask, ellipse, iou

ROUNDS, CHANGES = 250, 4
"""Most rounds, and changes of a rectangle in each."""


def damaged(mask: Mask, rng: np.random.Generator, target: float) -> Mask:
    """Grow and shrink a mask in random rectangles until it is wrong enough.

    Args:
        mask: (H, W). With a side of 2 pixels or less it comes back as it is.
        rng: all randomness comes from here.
        target: IoU with the original below which it is done; after 250 rounds it is done in any case.
    """
    if min(mask.shape) <= 2:
        return np.array(mask)
    out = mask.astype(np.uint8)
    for _ in range(ROUNDS):
        for _ in range(CHANGES):
            _change(out, rng)
        if iou(out > 0, mask) < target:
            break
    return np.asarray(out > 0)


def _change(mask: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """One change in place."""
    height, width = mask.shape
    y, x = int(rng.integers(height - 1)), int(rng.integers(width - 1))
    bottom, right = int(rng.integers(y + 1, height)), int(rng.integers(x + 1, width))
    if rng.random() < 0.1:
        mask[(y + bottom) // 2, (x + right) // 2] = rng.integers(2)
    size = int(rng.integers(3, 10))
    kernel = _kernel(size, int(rng.integers(4)))
    change = cv2.dilate if rng.random() < 0.5 else cv2.erode
    mask[y:bottom, x:right] = change(np.ascontiguousarray(mask[y:bottom, x:right]), kernel)


def _kernel(size: int, shape: int) -> NDArray[np.uint8]:
    """Square, ellipse, flat ellipse, thin ellipse."""
    if shape == 0:
        return np.ones((size, size), np.uint8)
    if shape == 1:
        return ellipse(size)
    half = max(1, size // 2)
    sides = (size, half) if shape == 2 else (half, size)
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, sides), np.uint8)
