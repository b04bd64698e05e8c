"""More than ten objects: groups of ten, their labels and their logits (spec aot 11)."""

from __future__ import annotations

import torch
from torch import Tensor

from civos_siaf.networks.aot.identity import MAX_OBJECTS

EPSILON = 1e-5


def num_groups(num_objects: int) -> int:
    """How many groups objects make: at least one.

    >>> [num_groups(n) for n in (0, 1, 10, 11, 20)]
    [1, 1, 1, 2, 2]
    """
    return max(-(-num_objects // MAX_OBJECTS), 1)


def group_counts(num_objects: int) -> list[int]:
    """Objects of each group.

    >>> group_counts(23), group_counts(20), group_counts(0)
    ([10, 10, 3], [10, 10], [0])
    """
    return [min(MAX_OBJECTS, num_objects - MAX_OBJECTS * group) for group in range(num_groups(num_objects))]


def split_labels(labels: Tensor, groups: int) -> Tensor:
    """Labels (H, W) to those of each group (E, H, W), 1..10; other groups' objects are background.

    One group keeps its labels as they are, and with them those that mean nothing, such as 255.
    """
    if groups == 1:
        return labels[None]
    parts = []
    for group in range(groups):
        first = MAX_OBJECTS * group
        own = (labels > first) & (labels <= first + MAX_OBJECTS)
        parts.append(torch.where(own, labels - first, 0))
    return torch.stack(parts)


def merge_logits(logits: Tensor) -> Tensor:
    """Logits (E, 11, H, W) of groups to those of all objects (1 + 10 E, H, W), index 0 = background.

    A pixel is background if it is so in every group, as if groups were independent. The logits of a single
    group stay as they are.
    """
    if len(logits) == 1:
        return logits[0]
    prob = logits.softmax(dim=1)
    every = torch.cat([prob[:, :1].prod(dim=0), prob[:, 1:].flatten(0, 1)]).clamp_(EPSILON, 1 - EPSILON)
    return torch.log(every / (1 - every))


def best_labels(logits: Tensor) -> Tensor:
    """The strongest index of (C, H, W), the lowest on ties: (H, W) uint8."""
    best = logits[0].clone()
    labels = torch.zeros_like(best, dtype=torch.uint8)
    # Channel by channel: many times as fast on a CPU as argmax over the first axis.
    for k in range(1, len(logits)):
        labels.masked_fill_(logits[k] > best, k)
        torch.maximum(best, logits[k], out=best)
    return labels
