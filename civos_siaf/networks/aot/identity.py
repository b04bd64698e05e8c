"""Identities of objects: label maps become embeddings that attention can carry.

Source: docs/specification/aot.md section 5.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MAX_OBJECTS = 10
"""Objects that are told apart at the same time."""
CHANNELS = MAX_OBJECTS + 1
"""Background and objects."""
NOBODY = 255
STRIDE = 16


def identity_one_hot(labels: Tensor, classes: int = CHANNELS) -> Tensor:
    """Labels (B, H, W) to (B, C, H, W) float32; a label outside 0..C-1, such as 255, is zero everywhere."""
    numbers = torch.arange(classes, device=labels.device, dtype=labels.dtype)
    return (labels[:, None] == numbers[:, None, None]).float()


class IdentityBank(nn.Conv2d):
    """One convolution from 11 channels of masks to an embedding for each position of stride 16.

    Args:
        width: channels of the embedding.
        align_corners: images have 16k+1 pixels a side, and positions lie on every 16th of them; otherwise
            16k, and positions are patches.
    """

    def __init__(self, width: int, *, align_corners: bool) -> None:
        kernel, padding = (17, 8) if align_corners else (16, 0)
        super().__init__(CHANNELS, width, kernel, stride=STRIDE, padding=padding)
        nn.init.orthogonal_(self.weight.view(width, -1), gain=kernel**-2)

    def forward(self, masks: Tensor) -> Tensor:
        """(E, 11, H, W) to tokens (E, n, width)."""
        return super().forward(masks).flatten(2).transpose(1, 2)

    def of_labels(self, labels: Tensor) -> Tensor:
        """Labels (E, H, W), 0..10, to tokens (E, n, width); other labels belong to nobody.

        On CPUs without gradients only the patches with more than one label are multiplied out.
        """
        if labels.device.type != "cpu" or (torch.is_grad_enabled() and self.weight.requires_grad):
            return torch.as_tensor(self(identity_one_hot(labels)))
        kernel, margin = self.weight.shape[2], int(self.padding[0])
        padded = F.pad(labels, (margin,) * 4, value=NOBODY)
        grid = padded.unfold(1, kernel, STRIDE).unfold(2, kernel, STRIDE)
        patches = grid.reshape(-1, kernel * kernel)
        first = patches[:, 0]
        whole = torch.cat([self.weight.sum(dim=(2, 3)).T, self.weight.new_zeros(1, len(self.weight))])
        out = whole[first.clamp(max=CHANNELS).long()]
        mixed = (patches != first[:, None]).any(dim=1).nonzero()[:, 0]
        hot = identity_one_hot(patches[mixed, None]).to(self.weight.dtype)
        # Under autocast the product comes in half precision.
        out[mixed] = (hot.flatten(1) @ self.weight.flatten(1).T).to(out.dtype)
        return (out + torch.as_tensor(self.bias)).view(len(labels), -1, len(self.weight))
