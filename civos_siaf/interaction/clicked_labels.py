"""Clicks on one frame, object by object, as labels: a click network beside one for strokes.

Source: docs/specification/siaf.md section 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from civos_siaf.interaction.multi_object_predictor import MultiObjectClickPredictor
from civos_siaf.masks import one_hot
from civos_siaf.prompts import Click
from civos_siaf.video.frames import Rgb

Probability: TypeAlias = NDArray[np.float32]
"""Of one object, (H, W)."""


class ClickedLabels:
    """Predicts clicked objects by a click network; where several claim a pixel the surest has it.

    Args:
        clicks: predicts each object by itself, and keeps those without clicks.

    Raises:
        ValueError: it predicts objects without clicks, too.
    """

    def __init__(self, clicks: MultiObjectClickPredictor) -> None:
        if clicks.untouched != "keep":
            raise ValueError(f"clicks.untouched must be keep, got {clicks.untouched!r}")
        self.clicks = clicks

    def predict(
        self,
        rgb: Rgb,
        clicks: Sequence[Click],
        *,
        num_objects: int,
        before: NDArray[np.uint8] | None,
        found: Mapping[int, Probability] | None = None,
        find_motion: Callable[[], NDArray[np.float32]] | None = None,
    ) -> tuple[NDArray[np.uint8], dict[int, Probability]]:
        """Labels (H, W), and the probabilities of clicked objects that they come from.

        Args:
            rgb: (H, W, 3) uint8.
            clicks: all of this frame, for objects 1..K.
            num_objects: K.
            before: labels (H, W) that the clicks correct; None: nothing is known.
            found: probabilities of objects whose clicks are the same as last time: they are not asked again.
            find_motion: gives the frame's `motion_maps` (8, h, w), if the network uses them.
        """
        found = dict(found or {})
        start = np.zeros(rgb.shape[:2], np.uint8) if before is None else before
        prob = one_hot(start, num_objects)[1:].astype(np.float32)
        for number, own in found.items():
            prob[number - 1] = own
        new = [click for click in clicks if click.object_id not in found]
        if new:
            motion = find_motion() if find_motion is not None and self.clicks.uses_motion else None
            prob = self.clicks.predict(rgb, new, num_objects=num_objects, previous=prob, motion=motion)
            found |= {number: prob[number - 1].copy() for number in {click.object_id for click in new}}
        return surest(prob), found


def surest(prob: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Labels (H, W) from probabilities (K, H, W): the largest, the first of equal ones, above one half."""
    labels = np.zeros(prob.shape[1:], np.uint8)
    best = np.full(prob.shape[1:], 0.5, np.float32)
    # Object by object: much faster on a CPU than argmax over the first axis.
    for number, own in enumerate(prob, 1):
        better = own > best
        labels[better] = number
        np.maximum(best, own, out=best)
    return labels
