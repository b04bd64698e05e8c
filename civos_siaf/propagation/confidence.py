"""How sure a propagation is of its masks of a frame."""

from __future__ import annotations

from torch import Tensor

SAMPLED = 4
"""Every so many pixels of a row, and rows, are enough; networks that decode at this stride need no more."""

_FAINT = 1.5e-4
"""Of the picture: so little says nothing about an object."""


def confidence(prob: Tensor) -> float:
    """The IoU that a propagation expects of its own masks, 0 to 1.

    If the probabilities are right, an object's mask and the truth share on average the probability inside
    the mask, and cover together the mask's area and the probability outside. Doubt inside, at the border and
    elsewhere counts by area, as it does in J. An object that is nowhere, without doubt, is 1.

    Over objects it is the harmonic mean, which one lost object among ten pulls down. Without objects it is 1.

    Args:
        prob: (K+1, H, W) in any resolution, index 0 = background, summing to 1.
    """
    objects = prob[1:]
    if len(objects) == 0:
        return 1.0
    best = prob[0]
    for own in objects:  # many times as fast on a CPU as a maximum over the first axis
        best = best.maximum(own)
    mask = (objects >= best) & (objects > prob[0])
    faint = _FAINT * best.numel()
    inside = (objects * mask).sum(dim=(1, 2))
    outside = objects.sum(dim=(1, 2)) - inside
    expected = (inside + faint) / (mask.sum(dim=(1, 2)) + outside + faint)
    return min(1.0, float(1 / (1 / expected).mean()))
