"""The click network of MiVOS' tool, trained for f-BRS: DeepLabV3+ on a deep ResNet-50.

Source: docs/specification/fbrs.md.

Parameters have the published names.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.click_network import ClickNetwork, ClickOutput, Features, Stage, resize
from civos_siaf.networks.residual_stages import stage

HIGH, WIDTH, SKIP = 2048, 128, 32
"""Channels of the backbone, of pyramid and decoder, and of the features that skip them."""
RATES = (12, 24, 36)
NORM_RADIUS = 260


class Fbrs(ClickNetwork):
    """f-BRS with ResNet-50: distance maps of clicks at whole pixels, and no previous mask."""

    def __init__(self) -> None:
        super().__init__(with_prev_mask=False, use_disks=False, norm_radius=NORM_RADIUS, whole_pixels=True)
        self.rgb_conv = nn.Sequential(
            nn.Conv2d(5, 8, 1), nn.LeakyReLU(0.2), nn.BatchNorm2d(8), nn.Conv2d(8, 3, 1)
        )
        self.feature_extractor = _Extractor()
        self.head = _Head()

    def channels(self, stage: Stage) -> int:
        """Of the backbone at A, of pyramid and skipping features at B, of the decoder at C."""
        return {"A": HIGH, "B": WIDTH + SKIP, "C": WIDTH}[stage]

    def encode(self, rgb: Tensor, coords: Tensor, stage: Stage) -> Features:
        """See `ClickNetwork`; stride 8 at A, 4 at B and C."""
        net = self.feature_extractor
        low, high = net.backbone(self.rgb_conv(torch.cat([rgb, coords], dim=1)))
        features = Features(high, (net.skip_project(low),))
        if stage == "A":
            return features
        joined = self._joined(features)
        return Features(joined) if stage == "B" else Features(net.head(joined))

    def decode(self, features: Features, stage: Stage) -> ClickOutput:
        """See `ClickNetwork`; logits of stride 4, no auxiliary ones."""
        x = self._joined(features) if stage == "A" else features.main
        return ClickOutput(self.head(x if stage == "C" else self.feature_extractor.head(x)), None)

    def _joined(self, features: Features) -> Tensor:
        (skip,) = features.others
        return torch.cat([resize(self.feature_extractor.aspp(features.main), skip.shape[2:]), skip], dim=1)


class _Extractor(nn.Module):
    """All but the last layers."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = _Backbone()
        self.head = _Decoder()
        self.skip_project = _Skip()
        self.aspp = _Pyramid()


class _Backbone(nn.Module):
    """ResNet-50 with three convolutions in its stem, of stride 8 by dilation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            *_convolution(3, 64, stride=2),
            *_convolution(64, 64),
            nn.Conv2d(64, 128, 3, padding=1, bias=False),
        )
        self.bn1 = nn.BatchNorm2d(128)
        self.layer1 = stage(128, 64, 3, stride=1)
        self.layer2 = stage(256, 128, 4, stride=2)
        self.layer3 = stage(512, 256, 6, stride=1, dilation=2)
        self.layer4 = stage(1024, 512, 3, stride=1, dilation=4, first_dilation=2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) to features of 256 channels and stride 4, and of 2048 and stride 8."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        low = self.layer1(x)
        return low, self.layer4(self.layer3(self.layer2(low)))


class _Skip(nn.Module):
    """Features of stride 4 made narrow."""

    def __init__(self) -> None:
        super().__init__()
        self.skip_project = nn.Sequential(
            nn.Conv2d(256, SKIP, 1, bias=False), nn.BatchNorm2d(SKIP), nn.ReLU(inplace=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, 256, h, w) to (B, 32, h, w)."""
        return torch.as_tensor(self.skip_project(x))


class _Pyramid(nn.Module):
    """Convolutions of several dilations and the image's mean, joined."""

    def __init__(self) -> None:
        super().__init__()
        # `concurent` is how the published file spells it.
        self.concurent = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(HIGH, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU()),
                *(nn.Sequential(*_convolution(HIGH, WIDTH, dilation=rate)) for rate in RATES),
                _Mean(),
            ]
        )
        self.project = nn.Sequential(
            nn.Conv2d((len(RATES) + 2) * WIDTH, WIDTH, 1, bias=False),
            nn.BatchNorm2d(WIDTH),
            nn.ReLU(inplace=True),
            nn.Dropout(0.2),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, 2048, h, w) to (B, 128, h, w)."""
        return torch.as_tensor(self.project(torch.cat([branch(x) for branch in self.concurent], dim=1)))


class _Mean(nn.Module):
    """The mean over the image, at every position."""

    def __init__(self) -> None:
        super().__init__()
        self.gap = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(HIGH, WIDTH, 1, bias=False),
            nn.BatchNorm2d(WIDTH),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, 2048, h, w) to (B, 128, h, w)."""
        return torch.as_tensor(self.gap(x).expand(-1, -1, *x.shape[2:]))


class _Decoder(nn.Module):
    """Pyramid and skipping features to features of the object."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Sequential(
            _Separable(WIDTH + SKIP, WIDTH), _Separable(WIDTH, WIDTH), nn.Conv2d(WIDTH, WIDTH, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, 160, h, w) to (B, 128, h, w)."""
        return torch.as_tensor(self.block(x))


class _Head(nn.Module):
    """Features of the object to its logits."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(_Separable(WIDTH, 64), _Separable(64, 64), nn.Conv2d(64, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 128, h, w) to (B, 1, h, w)."""
        return torch.as_tensor(self.layers(x))


class _Separable(nn.Module):
    """3x3 on each channel by itself, then 1x1, with one batch norm and ReLU at the end."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, h, w) to (B, out, h, w)."""
        return torch.as_tensor(self.body(x))


def _convolution(
    in_channels: int, out_channels: int, *, stride: int = 1, dilation: int = 1
) -> list[nn.Module]:
    """3x3, batch norm, ReLU."""
    conv = nn.Conv2d(
        in_channels, out_channels, 3, stride=stride, padding=dilation, dilation=dilation, bias=False
    )
    return [conv, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]
