"""A light scribble-to-mask network: MobileNetV2 with an atrous pyramid."""

from __future__ import annotations

from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.light_propagation import BACKBONE


class LightS2m(nn.Module):
    """Takes the place of `S2m`.

    Args:
        width: channels of the pyramid and the decoder.
    """

    backbone: Any

    def __init__(self, *, width: int = 64) -> None:
        super().__init__()
        self.backbone = timm.create_model(
            BACKBONE, features_only=True, pretrained=False, in_chans=6, output_stride=16, out_indices=(1, 4)
        )
        low, high = self.backbone.feature_info.channels()
        self.context = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(high, width, 1), nn.ReLU(inplace=True)
        )
        self.local = nn.Sequential(*_norm(nn.Conv2d(high, width, 1, bias=False), width))
        self.wide = nn.Sequential(
            *_norm(nn.Conv2d(width, width, 3, padding=6, dilation=6, bias=False), width)
        )
        self.skip = nn.Sequential(*_norm(nn.Conv2d(low, width, 1, bias=False), width))
        self.decode = nn.Sequential(
            *_norm(nn.Conv2d(width, width, 3, padding=1, bias=False), width), nn.Conv2d(width, 1, 1)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, 6, H, W) to logits (B, 1, H, W); see `S2m.forward`."""
        low, high = self.backbone(inputs)
        local = self.local(high)
        deep = local + self.wide(local) + self.context(high)
        up = F.interpolate(deep, size=low.shape[2:], mode="bilinear", align_corners=False)
        logits = self.decode(up + self.skip(low))
        return torch.as_tensor(
            F.interpolate(logits, size=inputs.shape[2:], mode="bilinear", align_corners=False)
        )


def _norm(conv: nn.Conv2d, channels: int) -> list[nn.Module]:
    return [conv, nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
