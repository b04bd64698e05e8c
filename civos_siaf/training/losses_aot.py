"""The loss of AOT, and of SIAF's interaction: hardest pixels and soft Jaccard, half each (spec aot 14.3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

UNKNOWN = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class AotLoss:
    """Bootstrapped cross entropy and soft Jaccard of identity logits.

    Args:
        steps: length of the training.
        final_fraction: fraction of the pixels that count in the end.
        hard_share: part of the training in which the fraction falls to that.
        align_corners: how logits are resized to the labels.

    >>> AotLoss(steps=100_000).num_pixels(25_000, 1617)
    929
    """

    steps: int
    final_fraction: float = 0.15
    hard_share: float = 0.5
    align_corners: bool = True

    def __call__(self, logits: Tensor, labels: Tensor, counts: Tensor, step: int) -> Tensor:
        """The loss of every sample.

        Args:
            logits: (B, C, h, w), C above every count; channels past a sample's objects are left out.
            labels: (B, H, W) of 0..N and 255 (unknown).
            counts: (B,) number of objects N.
            step: from 0 on.

        Returns:
            (B,) float32.
        """
        terms = [
            0.5 * self.cross_entropy(x, y, step) + 0.5 * self.jaccard(x, y)
            for x, y in self.samples(logits, labels, counts)
        ]
        return torch.stack(terms)

    def num_pixels(self, step: int, pixels: int) -> int:
        """How many of so many pixels count."""
        done = min(1.0, step / (self.hard_share * self.steps))
        return int((done * self.final_fraction + (1 - done)) * pixels)

    def cross_entropy(self, logits: Tensor, labels: Tensor, step: int) -> Tensor:
        """Mean over the hardest pixels of (N+1, H, W) and (H, W); unknown ones count, without loss."""
        losses = F.cross_entropy(logits[None], labels.long()[None], ignore_index=UNKNOWN, reduction="none")
        count = self.num_pixels(step, labels.numel())
        return torch.as_tensor(losses.flatten().topk(count, sorted=False).values.mean())

    @staticmethod
    def jaccard(logits: Tensor, labels: Tensor) -> Tensor:
        """One minus the soft IoU of (N+1, H, W) and (H, W), mean over the classes that the labels have."""
        known = labels != UNKNOWN
        prob, target = logits.softmax(dim=0)[:, known], labels[known].long()
        classes = torch.unique(target)
        true = (target == classes[:, None]).to(prob.dtype)
        chosen = prob[classes]
        both = (chosen * true).sum(dim=1)
        either = both + (chosen * (1 - true)).sum(dim=1) + ((1 - chosen) * true).sum(dim=1)
        return (1 - both / (either + 1e-6)).mean() if len(classes) else logits.sum() * 0

    def samples(self, logits: Tensor, labels: Tensor, counts: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Logits (N+1, H, W) and labels (H, W) of each sample."""
        size, counted = labels.shape[-2:], zip(logits.unbind(), labels, counts.tolist(), strict=True)
        return [(self._enlarged(x[: count + 1], size), y) for x, y, count in counted]

    def _enlarged(self, logits: Tensor, size: torch.Size) -> Tensor:
        alone = logits.float()[None]
        return F.interpolate(alone, size=size, mode="bilinear", align_corners=self.align_corners)[0]
