"""Masks as polygons that give exactly the same mask back.

Two conventions are in use. Readers that fill a polygon and draw its outline (OpenCV, and with it the YOLO
trainers) need outlines through the centres of the border pixels: `centre_outlines`. Readers that ask which
pixel centres lie inside (COCO's tools, CVAT) need outlines along the pixels' edges: `edge_outline`.
Formats with one ring per polygon have no holes: a ring is cut open and its hole joined by a bridge of no
width, walked once each way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Ring: TypeAlias = NDArray[np.int64]
"""Corners (N, 2) of a closed polygon, rows (x, y); the last is joined to the first."""


def bounding_box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """(left, top, width, height) of the pixels of a mask (H, W), None where it is empty."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(mask[top:bottom].any(axis=0))
    return int(columns[0]), top, int(columns[-1] - columns[0] + 1), bottom - top


def centre_outlines(mask: NDArray[np.bool_]) -> list[Ring]:
    """A ring for every part (8-connected) of a mask (H, W), through the centres of its border pixels.

    Integer (x, y) are pixel centres. Filling the rings, outline included, gives the mask back; a bridge to a
    hole lies within the part. A ring has at least 3 rows; those of lone pixels are repeated.
    """
    box = bounding_box(mask)
    if box is None:
        return []
    left, top, width, height = box
    pixels = np.pad(mask[top : top + height, left : left + width], 1).view(np.uint8)
    contours, tree = cv2.findContours(pixels, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    holes: dict[int, list[Ring]] = {}
    for contour, (_, _, _, parent) in zip(contours, tree[0], strict=True):
        if parent >= 0:
            holes.setdefault(int(parent), []).append(contour[:, 0].astype(np.int64))
    rings = []
    for index, contour in enumerate(contours):
        if tree[0][index][3] < 0:
            ring = _join_holes(contour[:, 0].astype(np.int64), holes.get(index, []), pixels)
            ring = _without_straight(ring) + np.array([left - 1, top - 1])
            rings.append(np.concatenate([ring, ring[-1:].repeat(max(0, 3 - len(ring)), axis=0)]))
    return rings


def _join_holes(ring: Ring, holes: list[Ring], pixels: NDArray[np.uint8]) -> Ring:
    """From the leftmost pixel of every hole's border go left, within the part, to the ring so far."""
    for hole in sorted(holes, key=lambda hole: int(hole[:, 0].min())):
        hole = np.roll(hole, -int(hole[:, 0].argmin()), axis=0)
        x, y = hole[0]
        outside = np.flatnonzero(pixels[y, :x] == 0)[-1]
        at = int(np.flatnonzero((ring == (outside + 1, y)).all(axis=1))[0])
        ring = np.concatenate([ring[: at + 1], hole, hole[:1], ring[at:]])
    return ring


def _without_straight(ring: Ring) -> Ring:
    """Leave out the points at which a ring goes straight on, and repeated ones."""
    ring = ring[(ring != np.roll(ring, 1, axis=0)).any(axis=1)] if len(ring) > 1 else ring
    if len(ring) < 3:
        return ring
    before = np.sign(ring - np.roll(ring, 1, axis=0))
    after = np.sign(np.roll(ring, -1, axis=0) - ring)
    return np.asarray(ring[(before != after).any(axis=1)])


def edge_outline(mask: NDArray[np.bool_]) -> Ring | None:
    """One ring along the pixels' edges around all parts of a mask (H, W), None where it is empty.

    Pixel (x, y) covers x..x+1 and y..y+1, so a centre is at (x + 0.5, y + 0.5). The centres inside, by the
    even-odd or the non-zero rule, are those of the mask.
    """
    box = bounding_box(mask)
    if box is None:
        return None
    left, top, width, height = box
    loops = sorted(_loops(mask[top : top + height, left : left + width]), key=lambda loop: loop[0][::-1])
    joined = np.array(loops[0])
    for corners in loops[1:]:
        loop = np.array(corners)
        at = int(np.abs(joined - loop[0]).sum(axis=1).argmin())
        joined = np.concatenate([joined[: at + 1], loop, loop[:1], joined[at:]])
    return np.asarray(joined + np.array([left, top]), dtype=np.int64)


def edge_outlines(mask: NDArray[np.bool_]) -> list[Ring]:
    """As `edge_outline`, a ring for every part (8-connected) of the mask."""
    count, parts = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    rings = (edge_outline(parts == number) for number in range(1, count))
    return [ring for ring in rings if ring is not None]


def _loops(mask: NDArray[np.bool_]) -> Iterator[list[tuple[int, int]]]:
    """The closed edge paths of a mask, clockwise around pixels, the other way around holes.

    In every row, and in every column, the corners of a rectilinear figure are the ends of edges, two by two.
    A corner where two pixels touch stands twice, as the end of four edges.
    """
    padded = np.pad(mask, 1).astype(np.int8)
    quads = np.stack([padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]])
    total = quads.sum(axis=0)
    crossing = (total == 2) & (quads[0] == quads[3])
    times = ((total % 2 == 1) + 2 * crossing).ravel()
    y, x = np.divmod(np.flatnonzero(times).repeat(times[times > 0]), total.shape[1])
    by_column = np.lexsort((y, x))
    partner_in_row = np.arange(len(x)) ^ 1
    partner_in_column = np.empty(len(x), dtype=np.int64)
    partner_in_column[by_column[0::2]], partner_in_column[by_column[1::2]] = by_column[1::2], by_column[0::2]
    points = list(zip(x.tolist(), y.tolist(), strict=True))
    seen = np.zeros(len(points), dtype=bool)
    for start in range(len(points)):
        if seen[start]:
            continue
        loop, corner = [], start
        while not seen[corner]:
            other = int(partner_in_row[corner])
            seen[corner] = seen[other] = True
            loop += [points[corner], points[other]]
            corner = int(partner_in_column[other])
        first = points[start]
        yield loop if padded[first[1] + 1, first[0] + 1] else loop[::-1]
