"""DeepLabV3+ with ResNet-34 as a click network (docs/specification/ritm.md section 9.1: where f-BRS cuts it).

No weights are published for it with disks and previous mask; the parameter names are our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import timm
import torch
from torch import Tensor, nn

from civos_siaf.networks.click_inputs import conv1s
from civos_siaf.networks.click_network import ClickNetwork, ClickOutput, Features, Stage, resize

SKIP_CHANNELS = 32


class DeepLabClicks(ClickNetwork):
    """ResNet-34 of stride 8, atrous pyramid, and a decoder that adds the features of stride 4.

    Args:
        width: channels of the pyramid and the decoder.
        rates: dilations of the pyramid's 3x3 convolutions.
        dropout: after the pyramid, in training.
        with_prev_mask, use_disks, norm_radius: see `ClickNetwork`.
    """

    backbone: Any

    def __init__(
        self,
        *,
        width: int = 128,
        rates: Sequence[int] = (12, 24, 36),
        dropout: float = 0.2,
        with_prev_mask: bool = True,
        use_disks: bool = True,
        norm_radius: float = 5,
    ) -> None:
        super().__init__(with_prev_mask=with_prev_mask, use_disks=use_disks, norm_radius=norm_radius)
        self.width = width
        self.backbone = timm.create_model(
            "resnet34", features_only=True, pretrained=False, output_stride=8, out_indices=(1, 4)
        )
        low, high = self.backbone.feature_info.channels()
        self.high_channels: int = high
        self.maps_transform = conv1s(self.num_coord_channels, self.backbone.conv1.out_channels)
        self.skip = nn.Sequential(*_conv(low, SKIP_CHANNELS))
        self.aspp = SeparableAtrousPyramid(high, width, rates, dropout)
        self.head = nn.Sequential(*_separable(width + SKIP_CHANNELS, width), *_separable(width, width))
        self.cls_head = nn.Conv2d(width, 1, 1)

    def channels(self, stage: Stage) -> int:
        """Of the backbone's output at A, pyramid and skip together at B, of the decoder's head at C."""
        return {"A": self.high_channels, "B": self.width + SKIP_CHANNELS, "C": self.width}[stage]

    def encode(self, rgb: Tensor, coords: Tensor, stage: Stage) -> Features:
        """Run what `prepare` returned up to a stage. Stride 8 at A, 4 at B and C."""
        net = self.backbone
        x = net.act1(net.bn1(net.conv1(rgb))) + self.maps_transform(coords)
        low = net.layer1(net.maxpool(x))
        features = Features(net.layer4(net.layer3(net.layer2(low))), (self.skip(low),))
        if stage == "A":
            return features
        joined = self._join(features)
        return Features(joined) if stage == "B" else Features(self.head(joined))

    def decode(self, features: Features, stage: Stage) -> ClickOutput:
        """Run on to logits (B, 1, h, w), usually smaller than the image; no auxiliary ones at C.

        Logits of stride 4, no auxiliary ones.
        """
        x = self._join(features) if stage == "A" else features.main
        return ClickOutput(self.cls_head(x if stage == "C" else self.head(x)), None)

    def _join(self, features: Features) -> Tensor:
        (skip,) = features.others
        return torch.cat([resize(self.aspp(features.main), skip.shape[2:]), skip], dim=1)


class SeparableAtrousPyramid(nn.Module):
    """Convolutions of several dilations and the image's mean, joined."""

    def __init__(self, in_channels: int, out_channels: int, rates: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [nn.Sequential(*_conv(in_channels, out_channels))]
            + [nn.Sequential(*_conv(in_channels, out_channels, dilation=rate)) for rate in rates]
        )
        # No batch norm on the mean: in training a batch of one image would have no variance.
        self.pool = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(in_channels, out_channels, 1), nn.ReLU(inplace=True)
        )
        self.project = nn.Sequential(
            *_conv((len(rates) + 2) * out_channels, out_channels), nn.Dropout2d(dropout)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        mean = self.pool(x).expand(-1, -1, *x.shape[2:])
        return torch.as_tensor(
            self.project(torch.cat([*(branch(x) for branch in self.branches), mean], dim=1))
        )


def _conv(in_channels: int, out_channels: int, *, dilation: int = 0) -> list[nn.Module]:
    """1x1, or 3x3 with a dilation, batch norm, ReLU."""
    conv = nn.Conv2d(
        in_channels,
        out_channels,
        3 if dilation else 1,
        padding=dilation,
        dilation=max(dilation, 1),
        bias=False,
    )
    return [conv, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]


def _separable(in_channels: int, out_channels: int) -> list[nn.Module]:
    depthwise = nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False)
    return [
        depthwise,
        nn.BatchNorm2d(in_channels),
        nn.ReLU(inplace=True),
        *_conv(in_channels, out_channels),
    ]
