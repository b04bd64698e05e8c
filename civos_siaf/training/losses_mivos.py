"""Bootstrapped cross entropy of MiVOS: later in training only the worst pixels count (spec mivos 7)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrappedCrossEntropy:
    """Cross entropy over the hardest pixels, ever fewer of them.

    Args:
        start: all pixels count before this iteration.
        end: from here on only the final fraction does; it falls linearly in between.
        final_fraction: fraction of the pixels that count in the end.
        per_sample: choose the pixels in every sample by itself, not in the whole batch.

    >>> BootstrappedCrossEntropy(start=20_000, end=70_000).fraction(45_000)
    0.575
    """

    start: int
    end: int
    final_fraction: float = 0.15
    per_sample: bool = True

    def fraction(self, iteration: int) -> float:
        """Fraction of the pixels that count."""
        if iteration < self.start:
            return 1.0
        if iteration >= self.end:
            return self.final_fraction
        left = (self.end - iteration) / (self.end - self.start)
        return self.final_fraction + (1 - self.final_fraction) * left

    def __call__(self, logits: Tensor, target: Tensor, iteration: int) -> Tensor:
        """The loss, a scalar.

        Args:
            logits: (B, C, H, W), see `civos_siaf.aggregate.aggregate_logits`.
            target: (B, H, W) int64, classes 0..C-1; -100 where unknown: no loss, but counted as a pixel.
            iteration: how far training is.
        """
        loss = F.cross_entropy(logits, target, reduction="none")
        rows = loss.flatten(1) if self.per_sample else loss.view(1, -1)
        count = int(rows.shape[1] * self.fraction(iteration))
        worst = rows if iteration < self.start else rows.topk(count, dim=1, sorted=False).values
        return torch.as_tensor(worst.mean())


def propagation_loss() -> BootstrappedCrossEntropy:
    """As the propagation network is trained."""
    return BootstrappedCrossEntropy(start=20_000, end=70_000)


def s2m_loss() -> BootstrappedCrossEntropy:
    """As scribble-to-mask is trained."""
    return BootstrappedCrossEntropy(start=10_000, end=30_000, per_sample=False)


def fusion_loss(iterations: int) -> BootstrappedCrossEntropy:
    """As the fusion network is trained for so many iterations."""
    return BootstrappedCrossEntropy(start=iterations * 2 // 10, end=iterations // 2)
