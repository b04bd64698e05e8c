"""Losses of click networks: normalised focal loss and cross-entropy, with ignored pixels (spec 11)."""

import torch
import torch.nn.functional as F
from torch import Tensor

IGNORE = -1
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
    valid = labels != IGNORE
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
    return (loss * (labels != IGNORE)).mean(dim=(1, 2, 3))
