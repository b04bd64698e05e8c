"""The difference-aware fusion network of MiVOS, with the names of its published weights.

Source: docs/specification/mivos.md section 5.2.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INPUTS = 9


class MaskFusion(nn.Module):
    """Old and new mask of an object on a frame become one.

    Args:
        width: channels inside; published: 32.

    >>> image, mask = torch.zeros(1, 3, 16, 16), torch.zeros(2, 1, 16, 16)
    >>> MaskFusion()(image, mask, mask, attention=torch.zeros(2, 2, 16, 16), n_c=0.5, n_r=0.5).shape
    torch.Size([2, 1, 16, 16])
    """

    def __init__(self, *, width: int = 32) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(_conv(INPUTS, width), nn.ReLU(inplace=True))
        self.conv2 = nn.Sequential(_conv(width, width), nn.ReLU(inplace=True), _conv(width, width))
        self.conv3 = nn.Sequential(_conv(width, width), nn.ReLU(inplace=True), _conv(width, width))
        self.final_conv = _conv(width, 1)

    def forward(
        self,
        image: Tensor,
        previous: Tensor,
        current: Tensor,
        *,
        attention: Tensor,
        n_c: float | Tensor,
        n_r: float | Tensor,
    ) -> Tensor:
        """Fuse.

        Args:
            image: (1, 3, H, W) or, in training, (K, 3, H, W); RGB, normalised.
            previous: probability (K, 1, H, W) that was stored for the frame.
            current: probability (K, 1, H, W) of this round.
            attention: (K, 2, H, W), where the interaction added (first) and removed (second).
            n_c: distance to the frame of the earlier interaction, as a fraction of the interval.
            n_r: distance to the frame of this interaction, likewise. Both may be (K,).

        Returns:
            Logits (K, 1, H, W).
        """
        distances = (torch.as_tensor(n, dtype=current.dtype, device=current.device) for n in (n_c, n_r))
        planes = [n.reshape(-1, 1, 1, 1).expand_as(current) for n in distances]
        x = torch.cat([image.expand(len(current), -1, -1, -1), previous, current, attention, *planes], dim=1)
        x = self.conv1(x)
        x = F.relu(self.conv2(x).add_(x), inplace=True)
        x = F.relu(self.conv3(x).add_(x), inplace=True)
        return torch.as_tensor(self.final_conv(x))


def _conv(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, padding=1)


class LightMaskFusion(MaskFusion):
    """Takes the place of `MaskFusion`; the image has even sides.

    Args:
        width: channels inside.
    """

    def __init__(self, *, width: int = 16) -> None:
        super().__init__(width=width)

    def forward(
        self,
        image: Tensor,
        previous: Tensor,
        current: Tensor,
        *,
        attention: Tensor,
        n_c: float | Tensor,
        n_r: float | Tensor,
    ) -> Tensor:
        """Fuse."""
        halves = (F.avg_pool2d(x, 2) for x in (image, previous, current))
        logits = super().forward(*halves, attention=F.avg_pool2d(attention, 2), n_c=n_c, n_r=n_r)
        return torch.as_tensor(F.interpolate(logits, scale_factor=2, mode="bilinear", align_corners=False))
