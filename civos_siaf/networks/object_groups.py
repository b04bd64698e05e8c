"""More than ten objects: groups of ten, their labels and their logits.

Source: docs/specification/aot.md section 11.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import torch
from torch import Tensor

from civos_siaf.networks.aot.identity import MAX_OBJECTS
from civos_siaf.networks.identity_network import IdentityNetwork, mask_unused

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


def probabilities(logits: Tensor, num_objects: int) -> Tensor:
    """Logits (E, 11, h, w) of all groups to probabilities (K+1, h, w) that sum to 1, index 0 = background."""
    known = mask_unused(logits, group_counts(num_objects))
    return merge_logits(known)[: num_objects + 1].softmax(dim=0)


def best_labels(strength: Iterable[Tensor]) -> Tensor:
    """The strongest index of C maps (H, W), the lowest on ties: (H, W) uint8."""
    maps = iter(strength)
    best = next(maps).clone()
    labels = torch.zeros_like(best, dtype=torch.uint8)
    # Map by map: many times as fast on a CPU as argmax over the first axis.
    for k, other in enumerate(maps, start=1):
        labels.masked_fill_(other > best, k)
        torch.maximum(best, other, out=best)
    return labels


def group_labels(logits: Sequence[Tensor]) -> Tensor:
    """Labels (H, W) uint8 of the groups' logits, each (1 + its objects, H, W), without those unused.

    The same as the strongest of `merge_logits`, but no object's logits are made.
    """
    if len(logits) == 1:
        return best_labels(logits[0])
    probs = [group.softmax(dim=0) for group in logits]
    rest = probs[0][0]
    for prob in probs[1:]:
        rest = rest * prob[0]
    every = chain([rest], *(prob[1:] for prob in probs))
    return best_labels(x.clamp_(EPSILON, 1 - EPSILON) for x in every)


def enlarged_labels(
    network: IdentityNetwork, logits: Tensor, num_objects: int, size: tuple[int, int]
) -> Tensor:
    """Labels (H, W) uint8, in any size, of the logits (E, 11, h, w) of all groups."""
    return group_labels(
        [
            network.resize(logits[group : group + 1, : count + 1], size)[0]
            for group, count in enumerate(group_counts(num_objects))
        ]
    )
