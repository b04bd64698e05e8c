"""A light scribble-to-mask network: the light click network, given lines in place of disks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.light_clicks import LightClicks


class LightS2m(nn.Module):
    """Takes the place of `S2m`; works inside at a reduced size, as `LightClicks` does.

    Its weights may begin as those of a trained `LightClicks`, below `clicks.`.

    Args:
        internal_side: longer side that the encoder sees at most, in pixels.
        width: channels of the pyramid.
        head_width: channels of the last, highest resolution.
    """

    def __init__(self, *, internal_side: int = 512, width: int = 64, head_width: int = 32) -> None:
        super().__init__()
        self.clicks = LightClicks(internal_side=internal_side, width=width, head_width=head_width)

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, 6, H, W) to logits (B, 1, H, W); see `S2m.forward`."""
        rgb, previous, lines = inputs[:, :3], inputs[:, 3:4], inputs[:, 4:]
        size = self.clicks.internal_size(*inputs.shape[2:])
        small = [
            F.interpolate(x, size=size, mode="bilinear", align_corners=False, antialias=True)
            for x in (rgb, previous)
        ]
        # A line is thinner than the pixels it falls into: the largest of them keeps it.
        drawn = F.adaptive_max_pool2d(lines, size)
        features = self.clicks.encode(small[0], torch.cat([small[1], drawn], dim=1), "C")
        logits = self.clicks.decode(features, "C").instances
        return F.interpolate(logits, size=inputs.shape[2:], mode="bilinear", align_corners=False)
