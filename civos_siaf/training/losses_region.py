"""Losses that look at whole regions."""

from __future__ import annotations

import torch
from torch import Tensor


def soft_jaccard(probabilities: Tensor, labels: Tensor) -> Tensor:
    """One minus the soft intersection over union.

    Args:
        probabilities: (B, 1, H, W) in [0, 1].
        labels: (B, 1, H, W) with values 0, 1 and -1 (ignored).

    Returns:
        (B,) in [0, 1]; for an empty object the mean probability, so that silence costs nothing.
    """
    known = labels != -1
    target = (labels == 1).to(probabilities.dtype)
    p = probabilities * known
    overlap = (p * target).sum(dim=(1, 2, 3))
    union = (p + target - p * target).sum(dim=(1, 2, 3))
    empty = target.sum(dim=(1, 2, 3)) == 0
    return torch.where(empty, p.mean(dim=(1, 2, 3)), 1 - (overlap + 1) / (union + 1))
