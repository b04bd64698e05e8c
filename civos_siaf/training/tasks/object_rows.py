"""The objects of all items of a batch in a row, so that networks see them at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from civos_siaf.networks.aggregate import aggregate_logits

UNKNOWN = 255
IGNORED = -100
"""What unknown pixels are called in targets of cross entropy."""


@dataclass(frozen=True, slots=True, eq=False)
class ObjectRows:
    """The objects of B items, P together.

    Attributes:
        sample: (P,) to which item an object belongs.
        number: (P,) its number there, from 0.
        size: B.
        most: K, the most objects of an item.
    """

    sample: Tensor
    number: Tensor
    size: int
    most: int

    @classmethod
    def of(cls, counts: Tensor, labels: Tensor, index: Tensor) -> ObjectRows:
        """The rows of a batch.

        Args:
            counts: (B,) objects of each item.
            labels: (B, ...) of 0..K and 255, checked against them.
            index: (B,) numbers of the items, for messages.

        Raises:
            ValueError: no object at all, or labels above an item's count.
        """
        if int(counts.max()) < 1:
            raise ValueError(f"items {index.tolist()}: no object in the whole batch")
        highest = torch.where(labels == UNKNOWN, 0, labels).flatten(1).amax(dim=1)
        if bool((highest > counts).any()):
            raise ValueError(
                f"items {index.tolist()} have labels up to {highest.tolist()}, but {counts.tolist()} objects"
            )
        most = int(counts.max())
        present = torch.arange(most, device=counts.device) < counts[:, None]
        sample, number = present.nonzero(as_tuple=True)
        return cls(sample, number, len(counts), most)

    def masks(self, labels: Tensor) -> Tensor:
        """Labels (B, H, W) as the objects' masks (P, 1, H, W) of 0 and 1."""
        return (labels[self.sample] == self.number.view(-1, 1, 1) + 1).float()[:, None]

    def others(self, masks: Tensor) -> Tensor:
        """For each object (P, 1, H, W) the sum of its item's other ones."""
        sums = masks.new_zeros(self.size, *masks.shape[1:]).index_add(0, self.sample, masks)
        return sums[self.sample] - masks

    def classes(self, prob: Tensor) -> Tensor:
        """Probabilities (P, H, W) to logits (B, K+1, H, W); what an item lacks is at minus infinity."""
        every = prob.new_zeros(self.size, self.most, *prob.shape[1:])
        every = every.index_put((self.sample, self.number), prob)
        logits = aggregate_logits(every.transpose(0, 1)).transpose(0, 1)
        there = torch.zeros(self.size, self.most + 1, dtype=torch.bool, device=prob.device)
        there[:, 0] = True
        there[self.sample, self.number + 1] = True
        return logits.masked_fill(~there[:, :, None, None], float("-inf"))

    def of_objects(self, classes: Tensor) -> Tensor:
        """From (B, K+1, H, W) what belongs to each object, (P, 1, H, W)."""
        return classes[self.sample, self.number + 1][:, None]


def mean_iou(labels: Tensor, truth: Tensor, rows: ObjectRows) -> Tensor:
    """Mean IoU over objects.

    Args:
        labels: (B, H, W) as predicted.
        truth: (B, H, W); 255 is left out.
        rows: the objects.

    Returns:
        A scalar; an object that is rightly absent counts 1.
    """
    known = (truth != UNKNOWN)[rows.sample][:, None]
    a, b = rows.masks(labels).bool() & known, rows.masks(truth).bool() & known
    overlap, union = (a & b).flatten(1).sum(dim=1).float(), (a | b).flatten(1).sum(dim=1).float()
    return torch.where(union > 0, overlap / union.clamp(min=1), 1.0).mean()
