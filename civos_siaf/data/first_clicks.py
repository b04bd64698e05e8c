"""First clicks of a training item: on the object, beside it, on other objects.

Source: docs/specification/ritm.md section 11.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
EMPTY_SLOT = -1.0
FIRST = 100
"""Index of a click that was not an answer to an error."""
_BOX = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstClicks:
    """Draws clicks; the defaults are the published ones.

    Args:
        places: most clicks of each sign, N.
        gamma: a further click is so many times as probable as one fewer.
        erosion: probability of keeping away from the object's border.
        background, others, border: where negative clicks lie, in proportions.
    """

    places: int = 24
    gamma: float = 0.8
    erosion: float = 0.9
    background: float = 0.1
    others: float = 0.4
    border: float = 0.5

    def draw(self, parts: Sequence[Mask], others: Mask, rng: np.random.Generator) -> NDArray[np.float32]:
        """Clicks for a target.

        Args:
            parts: the objects (H, W) that make up the target; none for an empty one.
            others: union (H, W) of all other objects.
            rng: all randomness.

        Returns:
            (2N, 3), rows (y, x, index), positive ones first, -1 where unused.
        """
        points = np.full((2 * self.places, 3), EMPTY_SLOT, np.float32)
        positive = self._positive(parts, rng) if parts else []
        target = np.any(parts, axis=0) if parts else np.zeros_like(others)
        negative = self._negative(target, others & ~target, rng)
        for start, clicks in ((0, positive), (self.places, negative)):
            for place, (y, x) in enumerate(clicks[: self.places]):
                points[start + place] = y, x, FIRST
        return points

    def _positive(self, parts: Sequence[Mask], rng: np.random.Generator) -> list[tuple[int, int]]:
        regions = [self._inner(part, rng) for part in parts]
        if len(regions) == 1:
            return _pixels(regions[0], 1 + self._count(self.places - 1, rng), rng)
        # One click for each merged object, then more anywhere on them.
        first = [pixel for region in regions for pixel in _pixels(region, 1, rng)]
        return first + _pixels(np.any(regions, axis=0), self._count(self.places, rng), rng)

    def _negative(self, target: Mask, others: Mask, rng: np.random.Generator) -> list[tuple[int, int]]:
        count = self._count(self.places, rng)
        share = np.array([self.background, self.others, self.border])
        background = ~target
        regions = [background, others if others.any() else background, None]
        clicks = []
        for kind in rng.choice(3, size=count, p=share / share.sum()):
            if regions[kind] is None:
                regions[kind] = _band(target)
            region = regions[kind]
            assert region is not None
            clicks += _pixels(region, 1, rng)
        return clicks

    def _inner(self, mask: Mask, rng: np.random.Generator) -> Mask:
        if rng.random() >= self.erosion:
            return mask
        inner = cv2.erode(mask.astype(np.uint8), _BOX, iterations=3, borderValue=0) > 0
        return inner if inner.sum() > 10 else mask

    def _count(self, most: int, rng: np.random.Generator) -> int:
        weights = self.gamma ** np.arange(most + 1)
        return int(rng.choice(most + 1, p=weights / weights.sum()))


def _band(mask: Mask) -> Mask:
    """Pixels just outside an object; empty for an empty one."""
    iterations = int(np.ceil(0.1 * np.sqrt(mask.sum())))
    if iterations == 0:
        return np.zeros_like(mask)
    grown = cv2.dilate(mask.astype(np.uint8), _BOX, iterations=iterations)
    return (grown > 0) & ~mask


def _pixels(region: Mask, count: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Random pixels, row and column; none where the region is empty."""
    flat = np.flatnonzero(region)
    if not len(flat):
        return []
    chosen = rng.choice(flat, size=count)
    return [divmod(int(pixel), region.shape[1]) for pixel in chosen]
