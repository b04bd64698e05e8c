"""Identities of objects: label maps become embeddings that attention can carry (spec aot 5)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

MAX_OBJECTS = 10
"""Objects that are told apart at the same time."""
CHANNELS = MAX_OBJECTS + 1
"""Background and objects."""


def one_hot(labels: Tensor) -> Tensor:
    """Labels (B, H, W) to (B, 11, H, W) float32; a label above 10, such as 255, is zero in every channel."""
    classes = torch.arange(CHANNELS, device=labels.device, dtype=labels.dtype)
    return (labels[:, None] == classes[:, None, None]).float()


class IdentityBank(nn.Conv2d):
    """One convolution from 11 channels of masks to an embedding for each position of stride 16.

    Args:
        width: channels of the embedding.
        align_corners: images have 16k+1 pixels a side, and positions lie on every 16th of them; otherwise
            16k, and positions are patches.
    """

    def __init__(self, width: int, *, align_corners: bool) -> None:
        kernel, padding = (17, 8) if align_corners else (16, 0)
        super().__init__(CHANNELS, width, kernel, stride=16, padding=padding)
        nn.init.orthogonal_(self.weight.view(width, -1), gain=kernel**-2)

    def forward(self, masks: Tensor) -> Tensor:
        """(E, 11, H, W) to tokens (E, n, width)."""
        return super().forward(masks).flatten(2).transpose(1, 2)
