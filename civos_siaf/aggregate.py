"""Several objects, each found on its own, become one distribution per pixel (CiVOS spec 3)."""

from typing import Literal, TypeAlias

import torch
from torch import Tensor

Background: TypeAlias = Literal["product", "min"]
"""product: no object claims the pixel, as if they were independent; min: the strongest object does not."""

EPSILON = 1e-7
HARD_FACTOR = 1000.0


def aggregate(prob: Tensor, *, background: Background = "product", hard: bool = False) -> Tensor:
    """Add the background and normalise by a soft-max of the logits.

    Args:
        prob: (K, ...) in [0, 1], K >= 1 objects.
        background: how its probability follows from those of the objects.
        hard: multiply the logits by 1000: nearly one-hot, exact ties share.

    Returns:
        (K+1, ...), index 0 = background, summing to 1.

    Raises:
        ValueError: no object, or another rule.
    """
    if prob.shape[0] < 1:
        raise ValueError("aggregation needs at least one object")
    if background not in ("product", "min"):
        raise ValueError(f"background must be product or min, got {background!r}")
    free = 1 - prob
    rest = free.prod(dim=0, keepdim=True) if background == "product" else free.amin(dim=0, keepdim=True)
    every = torch.cat([rest, prob]).clamp(EPSILON, 1 - EPSILON)
    logits = torch.log(every / (1 - every))
    return (logits * HARD_FACTOR if hard else logits).softmax(dim=0)
