"""AOT's decoder, split into what depends on the frame alone and what on its objects.

Source: docs/specification/aot.md section 8.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.aot.encoders import Pyramid
from civos_siaf.networks.aot.identity import CHANNELS
from civos_siaf.networks.aot.transformer import WIDTH

GROUPS = 8


class ConvGn(nn.Module):
    """A convolution and a group norm."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
        self.gn = nn.GroupNorm(GROUPS, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w)."""
        return torch.as_tensor(self.gn(self.conv(x)))


class Decoder(nn.Module):
    """What was matched becomes logits of 11 identities at stride 4.

    Args:
        layers: of the transformer; all of them are used.
        channels: of the encoder at strides 4, 8 and 16.
        align_corners: how maps are enlarged.
    """

    def __init__(self, layers: int, channels: Sequence[int], *, align_corners: bool) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.conv_in = ConvGn(WIDTH * (layers + 1), WIDTH, 1)
        self.conv_16x = ConvGn(WIDTH, WIDTH, 3)
        self.conv_8x = ConvGn(WIDTH, WIDTH // 2, 3)
        self.conv_4x = ConvGn(WIDTH // 2, WIDTH // 2, 3)
        self.adapter_16x = nn.Conv2d(channels[2], WIDTH, 1)
        self.adapter_8x = nn.Conv2d(channels[1], WIDTH, 1)
        self.adapter_4x = nn.Conv2d(channels[0], WIDTH // 2, 1)
        self.conv_out = nn.Conv2d(WIDTH // 2, CHANNELS, 1)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def frame_parts(self, projected: Tensor, pyramid: Pyramid) -> tuple[Tensor, ...]:
        """All that does not depend on objects, for `forward`; `projected` is (N, 256, h, w)."""
        conv = self.conv_in.conv
        return (
            F.conv2d(projected, conv.weight[:, :WIDTH], conv.bias),
            self.adapter_16x(pyramid.f16),
            self.adapter_8x(pyramid.f8),
            self.adapter_4x(pyramid.f4),
        )

    def forward(self, matched: Sequence[Tensor], parts: tuple[Tensor, ...]) -> Tensor:
        """Maps (E, 256, h, w) of all layers and the result of `frame_parts` to logits (E, 11, H/4, W/4)."""
        inside, skip16, skip8, skip4 = parts
        y = F.conv2d(torch.cat(list(matched), dim=1), self.conv_in.conv.weight[:, WIDTH:]) + inside
        y = F.relu(self.conv_in.gn(y))
        y = F.relu(self.conv_16x(y + skip16))
        y = F.relu(self.conv_8x(self._enlarged(y, skip8) + skip8))
        y = F.relu(self.conv_4x(self._enlarged(y, skip4) + skip4))
        return torch.as_tensor(self.conv_out(y))

    def _enlarged(self, x: Tensor, like: Tensor) -> Tensor:
        return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=self.align_corners)
