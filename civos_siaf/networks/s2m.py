"""Scribble-to-mask of MiVOS: DeepLabV3+ with six input channels, names as published.

Source: docs/specification/mivos.md section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.light_clicks import LightClicks
from civos_siaf.networks.residual_stages import stage


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


RATES = (6, 12, 18)
WIDTH = 256
SKIP_WIDTH = 48


class S2m(nn.Module):
    """An image, the previous mask of an object and scribbles become the object's logits."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = S2mBackbone()
        self.classifier = Head()

    def forward(self, inputs: Tensor) -> Tensor:
        """Segment.

        Args:
            inputs: (B, 6, H, W): RGB, normalised; previous mask, positive and negative scribbles, all 0 or 1.

        Returns:
            Logits (B, 1, H, W).
        """
        low, high = self.backbone(inputs)
        logits = self.classifier(low, high)
        return F.interpolate(logits, size=inputs.shape[2:], mode="bilinear", align_corners=False)


class S2mBackbone(nn.Module):
    """ResNet-50 whose last stage keeps stride 16 and is dilated."""

    def __init__(self, in_channels: int = 6) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = stage(64, 64, 3, stride=1)
        self.layer2 = stage(256, 128, 4, stride=2)
        self.layer3 = stage(512, 256, 6, stride=2)
        self.layer4 = stage(1024, 512, 3, stride=1, dilation=2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) to features of strides 4 (256 channels) and 16 (2048)."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x)), inplace=True), 3, stride=2, padding=1)
        low = self.layer1(x)
        return low, self.layer4(self.layer3(self.layer2(low)))


class AtrousPyramid(nn.Module):
    """Convolutions of several dilations and the mean over the image, joined to 256 channels."""

    def __init__(self, in_channels: int, rates: Sequence[int] = RATES) -> None:
        super().__init__()
        pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), *_conv(in_channels, WIDTH, 1))
        self.convs = nn.ModuleList(
            [
                nn.Sequential(*_conv(in_channels, WIDTH, 1)),
                *(nn.Sequential(*_conv(in_channels, WIDTH, 3, dilation=rate)) for rate in rates),
                pool,
            ]
        )
        self.project = nn.Sequential(*_conv((len(rates) + 2) * WIDTH, WIDTH, 1), nn.Dropout(0.1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, 256, h, w)."""
        branches = [conv(x).expand(-1, -1, *x.shape[2:]) for conv in self.convs]
        return torch.as_tensor(self.project(torch.cat(branches, dim=1)))


class Head(nn.Module):
    """The decoder of DeepLabV3+."""

    def __init__(self, low_channels: int = 256, high_channels: int = 2048) -> None:
        super().__init__()
        self.project = nn.Sequential(*_conv(low_channels, SKIP_WIDTH, 1))
        self.aspp = AtrousPyramid(high_channels)
        self.classifier = nn.Sequential(*_conv(SKIP_WIDTH + WIDTH, WIDTH, 3), nn.Conv2d(WIDTH, 1, 1))

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        """Features of strides 4 and 16 to logits (B, 1, H/4, W/4)."""
        context = F.interpolate(self.aspp(high), size=low.shape[2:], mode="bilinear", align_corners=False)
        return torch.as_tensor(self.classifier(torch.cat([self.project(low), context], dim=1)))


def _conv(in_channels: int, out_channels: int, size: int, *, dilation: int = 1) -> list[nn.Module]:
    padding = dilation * (size // 2)
    conv = nn.Conv2d(in_channels, out_channels, size, padding=padding, dilation=dilation, bias=False)
    return [conv, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]
