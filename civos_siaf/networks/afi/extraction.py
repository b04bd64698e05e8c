"""What a frame tells by itself: its deepest and its finest features.

Source: docs/specification/siaf.md section 5, the paper's equation 5.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from civos_siaf.networks.deeplab_clicks import SeparableAtrousPyramid


class Extraction(nn.Module):
    """An atrous pyramid and a feed-forward part on the high level, a projection of the low one.

    Args:
        low: channels of the low level.
        high: of the high level.
        width: channels of the high result.
        low_width: of the low result.
        rates: dilations of the pyramid.
        hidden: channels inside the feed-forward part.
        squeeze: the high level is first reduced to so many channels; None: it is not.
        dropout: in training.
    """

    def __init__(
        self,
        low: int,
        high: int,
        *,
        width: int = 256,
        low_width: int = 64,
        rates: Sequence[int] = (6, 12, 18),
        hidden: int = 1024,
        squeeze: int | None = None,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.squeeze = nn.Identity() if squeeze is None else _projection(high, squeeze)
        self.pyramid = SeparableAtrousPyramid(squeeze or high, width, rates, dropout)
        self.norm = nn.LayerNorm(width)
        self.feed = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.low = _projection(low, low_width)

    def forward(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """(N, low, H/4, W/4) and (N, high, h, w) to `low_width` and `width` channels of the same sizes."""
        x = self.pyramid(self.squeeze(high))
        pixels = x.permute(0, 2, 3, 1)
        x = x + self.feed(self.norm(pixels)).permute(0, 3, 1, 2)
        return torch.as_tensor(self.low(low)), torch.as_tensor(x)


def _projection(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )
