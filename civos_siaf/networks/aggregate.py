"""Several objects, each found on its own, become one distribution per pixel.

Source: docs/specification/clicks.md section 3, docs/specification/mivos.md section 2.
"""

from typing import Literal, TypeAlias

import torch
from torch import Tensor

Background: TypeAlias = Literal["product", "min", "static"]
"""product: no object claims the pixel, as if they were independent; min: the strongest object does not;
static: 0.5 everywhere."""

EPSILON = 1e-7
HARD_FACTOR = 1000.0


def aggregate_logits(prob: Tensor, *, background: Background = "product") -> Tensor:
    """Add the background and take the logits of all; their soft-max is `aggregate`.

    Args:
        prob: (K, ...) in [0, 1], K >= 1 objects.
        background: how its probability follows from those of the objects.

    Returns:
        (K+1, ...), index 0 = background.

    Raises:
        ValueError: no object, or another rule.
    """
    if prob.shape[0] < 1:
        raise ValueError("aggregation needs at least one object")
    if background == "product":
        rest = (1 - prob).prod(dim=0, keepdim=True)
    elif background == "min":
        rest = (1 - prob).amin(dim=0, keepdim=True)
    elif background == "static":
        rest = torch.full_like(prob[:1], 0.5)
    else:
        raise ValueError(f"background must be product, min or static, got {background!r}")
    every = torch.cat([rest, prob]).clamp(EPSILON, 1 - EPSILON)
    return torch.log(every / (1 - every))


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
    logits = aggregate_logits(prob, background=background)
    return (logits * HARD_FACTOR if hard else logits).softmax(dim=0)
