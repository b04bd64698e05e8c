"""How sure a propagation is of its masks of a frame."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

SAMPLED = 4
"""Every so many pixels of a row, and rows, are enough; networks that decode at this stride need no more."""

_FAINT = 1.5e-4
"""Of the picture: so little says nothing about an object."""


def confidence(prob: Tensor, objects: Collection[int] | None = None) -> float:
    """The IoU that a propagation expects of its own masks, 0 to 1.

    If the probabilities are right, an object's mask and the truth share on average the probability inside
    the mask, and cover together the mask's area and the probability outside. Doubt inside, at the border and
    elsewhere counts by area, as it does in J. An object that is nowhere is near 0, as it may be lost, unless
    there is hardly any probability of it, either.

    Over objects it is the harmonic mean, which one lost object among ten pulls down. Without objects it is 1.

    Args:
        prob: (K+1, H, W) in any resolution, index 0 = background, summing to 1.
        objects: those that count, such as all that were ever annotated; None: 1..K.
    """
    counted = list(range(1, len(prob))) if objects is None else sorted(objects)
    if not counted:
        return 1.0
    best = prob[0]
    for own in prob[1:]:  # many times as fast on a CPU as a maximum over the first axis
        best = best.maximum(own)
    own = prob[counted]
    mask = (own >= best) & (own > prob[0])
    faint = _FAINT * best.numel()
    inside = (own * mask).sum(dim=(1, 2))
    outside = own.sum(dim=(1, 2)) - inside
    expected = (inside + faint) / (mask.sum(dim=(1, 2)) + outside + faint)
    return min(1.0, float(1 / (1 / expected).mean()))


def appearing(labels: Iterable[NDArray[np.uint8]]) -> frozenset[int]:
    """The objects that are in any of these labels (H, W)."""
    return frozenset(int(k) for own in labels for k in np.flatnonzero(np.bincount(own.ravel()))) - {0}
