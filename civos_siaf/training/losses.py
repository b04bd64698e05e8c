"""The losses of all trainings: of clicks (RITM), of MiVOS' networks, of AOT and of SIAF's interaction."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

IGNORE_TARGET = -1
_EPSILON = 1e-12


def normalized_focal_loss(
    logits: Tensor, labels: Tensor, *, alpha: float = 0.5, gamma: float = 2.0
) -> Tensor:
    """Focal loss whose weights are scaled, image by image, to a mean of one.

    Args:
        logits: (B, 1, H, W).
        labels: (B, 1, H, W) with values 0, 1 and -1 (ignored).
        alpha: weight of the object's pixels; the background has 1 - alpha.
        gamma: how much confident pixels count less.

    Returns:
        (B,); the mean over the batch is what RITM minimises. Zero for an image without valid pixels.
    """
    valid = labels != IGNORE_TARGET
    target = (labels == 1).to(logits.dtype)
    certainty = torch.where(valid, 1 - (target - logits.sigmoid()).abs(), 1.0)
    weight = (1 - certainty) ** gamma
    count = valid.sum(dim=(1, 2, 3))
    # The scale must not be a way to lower the loss: no gradient through it.
    scale = (count / (weight.sum(dim=(1, 2, 3)) + _EPSILON)).detach().view(-1, 1, 1, 1)
    balance = torch.where(target == 1, alpha, 1 - alpha)
    loss = -balance * scale * weight * torch.log((certainty + _EPSILON).clamp(max=1))
    return (loss * valid).sum(dim=(1, 2, 3)) / count.clamp(min=1)


def binary_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy per image.

    Args:
        logits: (B, 1, H, W).
        labels: (B, 1, H, W) with values 0, 1 and -1. Ignored pixels add nothing but are counted in the mean.

    Returns:
        (B,).
    """
    target = (labels == 1).to(logits.dtype)
    loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (loss * (labels != IGNORE_TARGET)).mean(dim=(1, 2, 3))


UNKNOWN_LABEL = 255


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
        full = self.enlarged(logits, labels.shape[-2:], counts)
        return 0.5 * self.cross_entropy(full, labels, step) + 0.5 * self.jaccard(full, labels)

    def num_pixels(self, step: int, pixels: int) -> int:
        """How many of so many pixels count."""
        done = min(1.0, step / (self.hard_share * self.steps))
        return int((done * self.final_fraction + (1 - done)) * pixels)

    def cross_entropy(self, logits: Tensor, labels: Tensor, step: int) -> Tensor:
        """Mean (B,) over the hardest pixels of (B, C, H, W), (B, H, W); unknown ones count, without loss."""
        losses = F.cross_entropy(logits, labels.long(), ignore_index=UNKNOWN_LABEL, reduction="none")
        count = self.num_pixels(step, labels[0].numel())
        return torch.as_tensor(losses.flatten(1).topk(count, dim=1, sorted=False).values.mean(dim=1))

    @staticmethod
    def jaccard(logits: Tensor, labels: Tensor) -> Tensor:
        """One minus the soft IoU (B,) of (B, C, H, W) and (B, H, W), mean over the classes of each sample."""
        known = (labels != UNKNOWN_LABEL)[:, None]
        prob = logits.softmax(dim=1) * known
        true = labels[:, None] == torch.arange(logits.shape[1], device=labels.device).view(-1, 1, 1)
        both = (prob * true).sum(dim=(2, 3))
        size = true.sum(dim=(2, 3))
        either = prob.sum(dim=(2, 3)) + size - both
        there = size > 0
        lost = (1 - both / (either + 1e-6)) * there
        return lost.sum(dim=1) / there.sum(dim=1).clamp(min=1)

    def enlarged(self, logits: Tensor, size: torch.Size, counts: Tensor) -> Tensor:
        """Logits in the size of the labels, as many as the most objects need; others are minus infinity."""
        few = logits[:, : int(counts.max()) + 1].float()
        full = F.interpolate(few, size=size, mode="bilinear", align_corners=self.align_corners)
        unused = torch.arange(full.shape[1], device=counts.device) > counts[:, None]
        return full.masked_fill(unused[:, :, None, None], float("-inf"))


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
            logits: (B, C, H, W), see `civos_siaf.networks.aggregate.aggregate_logits`.
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
