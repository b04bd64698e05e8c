"""Small tools of the simulated users: kernels, components, skeletons."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
"""(H, W) bool."""

_RING = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], np.float32)
"""The eight neighbours as bits, clockwise from the one above."""


def ellipse(size: int) -> NDArray[np.uint8]:
    """A filled ellipse (size, size)."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)


def dilate(mask: Mask, kernel: NDArray[np.uint8]) -> Mask:
    """Grow a mask."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel) > 0)


def erode(mask: Mask, kernel: NDArray[np.uint8]) -> Mask:
    """Shrink a mask; what is outside the picture does not eat into it."""
    return np.asarray(cv2.erode(mask.astype(np.uint8), kernel) > 0)


def opened(mask: Mask, kernel: NDArray[np.uint8]) -> Mask:
    """Shrink, then grow."""
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0)


def components(mask: Mask) -> Iterator[Mask]:
    """The 8-connected parts of a mask, each of the mask's size."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    for number in range(1, count):
        yield np.asarray(labels == number)


def iou(a: Mask, b: Mask) -> float:
    """Intersection over union; 1 for two empty masks."""
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0


def skeleton(mask: Mask) -> Mask:
    """Thin a mask to lines, by the two alternating passes of Zhang and Suen (1984).

    A piece that comes down to a square of four pixels vanishes.
    """
    out = np.zeros_like(mask)
    if not mask.any():
        return out
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    box = np.s_[y : y + height, x : x + width]
    thin = np.pad(mask[box], 1).astype(np.uint8)
    before = thin.size
    while (now := int(np.count_nonzero(thin))) != before:
        before = now
        for table in _TABLES:
            neighbours = cv2.filter2D(thin, cv2.CV_32F, _RING, borderType=cv2.BORDER_CONSTANT)
            thin[table[neighbours.astype(np.uint8)] & (thin > 0)] = 0
    out[box] = thin[1:-1, 1:-1] > 0
    return out


def _deletable(*, second: bool) -> NDArray[np.bool_]:
    """For each pattern of neighbours whether the middle goes in the first or the second pass."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    count = bits.sum(axis=1)
    rises = ((bits == 0) & (np.roll(bits, -1, axis=1) == 1)).sum(axis=1)
    north, east, south, west = bits[:, 0], bits[:, 2], bits[:, 4], bits[:, 6]
    if second:
        free = (north * east * west == 0) & (north * south * west == 0)
    else:
        free = (north * east * south == 0) & (east * south * west == 0)
    return np.asarray((count >= 2) & (count <= 6) & (rises == 1) & free)


_TABLES = (_deletable(second=False), _deletable(second=True))
