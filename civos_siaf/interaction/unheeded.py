"""Clicks of which a network makes too little: they are answered once more, each by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.interaction.transforms import Clicks
from civos_siaf.prompts import Click

RADIUS = 6
"""Pixels around a click that are its own where the network finds nothing there."""

Answer = Callable[[Clicks], NDArray[np.float32]]
"""Probability (H, W) of an object with these clicks, begun from an empty mask."""


@dataclass(frozen=True)
class Insistence:
    """Sees to it that a positive click outside of an object's mask is not passed by.

    A small network may add next to nothing there, above all when the mask before was large. So the click is
    asked for alone, together with the negative ones, from an empty mask. What is found around it is added
    where no other object was, if it is more than the first answer had added around it, and not too large.

    Attributes:
        largest: what is added is at most this part of the object's mask.
    """

    largest: float = 0.3

    def __call__(
        self,
        prob: NDArray[np.float32],
        clicks: Clicks,
        answer: Answer,
        *,
        before: NDArray[np.float32],
        k: int,
    ) -> NDArray[np.float32]:
        """The probability (H, W) of an object, with what its clicks were owed.

        Args:
            prob: the first answer (H, W).
            clicks: of this object.
            answer: asks the network.
            before: probabilities (K, H, W) of all objects before these clicks.
            k: which of them it is, from 0.
        """
        was = before[k] > 0.5
        if not was.any():
            return prob
        others = np.asarray((np.delete(before, k, axis=0) > 0.5).any(axis=0))
        for click in clicks:
            if click.positive and not was[_place(click, was.shape)]:
                prob = self._with(prob, click, clicks, answer, was=was, others=others)
        return prob

    def _with(
        self,
        prob: NDArray[np.float32],
        click: Click,
        clicks: Sequence[Click],
        answer: Answer,
        *,
        was: NDArray[np.bool_],
        others: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        found = answer((click, *(other for other in clicks if not other.positive)))
        mask = prob > 0.5
        region = _around(found > 0.5, click) & ~others
        new = int((region & ~mask).sum())
        added = mask & ~was
        heeded = int(_around(added, click).sum()) if added[_place(click, mask.shape)] else 0
        if heeded > new or new > self.largest * mask.sum():
            return prob
        return np.where(region, np.maximum(prob, found), prob)


def _place(click: Click, size: tuple[int, ...]) -> tuple[int, int]:
    """Row and column of the pixel; clicks may lie on the far edge."""
    return min(int(click.y), size[0] - 1), min(int(click.x), size[1] - 1)


def _around(mask: NDArray[np.bool_], click: Click) -> NDArray[np.bool_]:
    """The connected region that the click is in; a small disk where it is in none."""
    y, x = _place(click, mask.shape)
    if not mask[y, x]:
        disk = np.zeros(mask.shape, np.uint8)
        cv2.circle(disk, (x, y), RADIUS, 1, -1)
        return disk.astype(bool)
    _, regions = cv2.connectedComponents(mask.astype(np.uint8))
    return np.asarray(regions == regions[y, x])
