"""Segmentations of COCO files as masks, after everything that the decoder trusts was checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from civos_siaf.masks.coco import decode_segmentation
from civos_siaf.masks.run_lengths import check_counts

_MOST_EDGES = 8  # per pixel: its four sides, and bridges


def mask_of(entry: Mapping[str, Any], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask (H, W) of an annotation; polygons are cut off at the frame.

    Raises:
        ValueError, KeyError, TypeError: a segmentation that cannot be drawn.
    """
    shape = entry["segmentation"]
    if isinstance(shape, dict):
        if list(shape["size"]) != list(size):
            raise ValueError(f"run lengths of size {shape['size']}, the video is {list(size)} (H, W)")
        counts = shape["counts"]
        if isinstance(counts, str):
            check_counts(counts, size[0] * size[1])
        elif not all(type(count) is int and count >= 0 for count in counts) or sum(counts) != math.prod(size):
            raise ValueError("run lengths do not fill the frame")
        return decode_segmentation(shape, *size)
    polygons = [polygon for polygon in (_near(polygon, size) for polygon in shape or ()) if polygon]
    return decode_segmentation(polygons, *size) if polygons else np.zeros(size, dtype=bool)


def _near(polygon: list[float], size: tuple[int, int]) -> list[float]:
    """The polygon without what is far outside; empty: all of it is. Near the frame nothing is changed."""
    if len(polygon) < 6 or len(polygon) % 2:
        raise ValueError(f"a polygon has x and y of three corners or more, this one {len(polygon)} numbers")
    corners = np.array(polygon, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(corners).all():
        raise ValueError("a corner of a polygon is no number")
    extent = np.array(size[::-1], dtype=np.float64)
    for axis in (0, 1):
        corners = _cut(corners, axis, -extent[axis], sign=1)
        corners = _cut(corners, axis, 2 * extent[axis], sign=-1)
    length = np.abs(corners - np.roll(corners, 1, axis=0)).sum()
    if length > _MOST_EDGES * math.prod(size) + 8 * sum(size):
        raise ValueError(f"a polygon of {length:.0f} pixels' length; the frame has not so many edges")
    return [float(value) for value in corners.ravel()] if len(corners) >= 3 else []


def _cut(corners: NDArray[np.float64], axis: int, limit: float, *, sign: int) -> NDArray[np.float64]:
    """A polygon (N, 2) without its part beyond a line; parts that come apart stay joined along the line."""
    inside = sign * (corners[:, axis] - limit) >= 0
    if inside.all():
        return corners
    kept: list[NDArray[np.float64]] = []
    for a, b, a_in, b_in in zip(
        corners, np.roll(corners, -1, axis=0), inside, np.roll(inside, -1), strict=True
    ):
        if a_in:
            kept.append(a)
        if a_in != b_in:
            kept.append(a + (b - a) * ((limit - a[axis]) / (b[axis] - a[axis])))
    return np.reshape(kept, (-1, 2))
