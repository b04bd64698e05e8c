"""A light click network: MobileNetV2 and a small pyramid decoder, fast enough for a CPU."""

from __future__ import annotations

from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.click_inputs import conv1s
from civos_siaf.networks.click_network import ClickNetwork, ClickOutput, Features, Stage, resize


def separable(channels: int) -> nn.Sequential:
    """3x3 on each channel by itself, then 1x1, each with batch norm and ReLU; (B, C, H, W) to the same."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
    )


STRIDE = 32
BACKBONE = "mobilenetv2_100"


class LightClicks(ClickNetwork):
    """Works inside at a reduced size; image, clicks and logits have the full size as in any click network.

    Clicks and previous mask join at the stem, as in RITM, and at every level of the pyramid: so they reach
    the answer without passing through a backbone that knows nothing of them.

    Args:
        internal_side: longer side that the encoder sees at most, in pixels.
        width: channels of the pyramid.
        head_width: channels of the last, highest resolution.
        with_prev_mask, norm_radius: see `ClickNetwork`; the radius counts in pixels of the reduced image.
    """

    encoder: Any

    def __init__(
        self,
        *,
        internal_side: int = 512,
        width: int = 64,
        head_width: int = 32,
        with_prev_mask: bool = True,
        norm_radius: float = 5,
    ) -> None:
        super().__init__(with_prev_mask=with_prev_mask, norm_radius=norm_radius)
        self.internal_side = internal_side
        self.head_width = head_width
        self.width = width
        self.encoder = timm.create_model(BACKBONE, features_only=True, pretrained=False)
        stem = self.encoder.conv_stem.out_channels
        channels: list[int] = self.encoder.feature_info.channels()
        self._taps = [int(name.rpartition(".")[2]) for name in self.encoder.feature_info.module_name()]
        self.deepest_channels = channels[-1]
        self.maps_transform = conv1s(self.num_coord_channels, stem)
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels[1:])
        self.lateral_maps = nn.ModuleList(nn.Conv2d(self.num_coord_channels, width, 1) for _ in channels[1:])
        self.smooth = nn.ModuleList(separable(width) for _ in channels[1:-1])
        self.detail = nn.Conv2d(channels[0], head_width, 1)
        self.detail_maps = nn.Conv2d(self.num_coord_channels, head_width, 3, padding=1)
        self.reduce = nn.Conv2d(width, head_width, 1)
        self.head = nn.Sequential(*_conv_bn_relu(head_width), *_conv_bn_relu(head_width))
        self.cls_head = nn.Conv2d(head_width, 1, 1)
        self.aux_head = nn.Conv2d(width, 1, 1)

    def internal_size(self, height: int, width: int) -> tuple[int, int]:
        """The size that the encoder sees: 32k + 1 per side keeps corners on corners at every stride."""
        scale = min(1.0, self.internal_side / max(height, width))
        return _aligned(height * scale), _aligned(width * scale)

    def internal_scale(self, height: int, width: int) -> float:
        """See `ClickNetwork`."""
        return min(1.0, self.internal_side / max(height, width))

    def prepare(self, image: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """As in `ClickNetwork`, but of the size of `internal_size`."""
        self._check(image, points)
        height, width = image.shape[2:]
        size = self.internal_size(height, width)
        small = F.interpolate(image, size=size, mode="bilinear", align_corners=False, antialias=True)
        factor = points.new_tensor([size[0] / height, size[1] / width])
        moved = (points[..., :2] + 0.5) * factor - 0.5
        unused = (points[..., :2] < 0).all(dim=2, keepdim=True)
        moved = torch.where(unused, points[..., :2], moved)
        return super().prepare(small, torch.cat([moved, points[..., 2:]], dim=2))

    def channels(self, stage: Stage) -> int:
        """Of the deepest features at A, of the pyramid at B, of the head at C."""
        return {"A": self.deepest_channels, "B": self.width, "C": self.head_width}[stage]

    def encode(self, rgb: Tensor, coords: Tensor, stage: Stage) -> Features:
        """See `ClickNetwork`; strides 32, 4 and 2 of the reduced image at A, B and C."""
        x = self.encoder.bn1(self.encoder.conv_stem(rgb)) + self.maps_transform(coords)
        levels = []
        for index, block in enumerate(self.encoder.blocks):
            x = block(x)
            if index in self._taps:
                levels.append(x)
        features = Features(levels[-1], (*levels[:-1], coords))
        if stage == "A":
            return features
        features = Features(self._pyramid(features), (levels[0], coords))
        return features if stage == "B" else Features(self._head(features))

    def decode(self, features: Features, stage: Stage) -> ClickOutput:
        """See `ClickNetwork`; logits of stride 2 of the reduced image."""
        if stage == "C":
            return ClickOutput(self.cls_head(features.main), None)
        if stage == "A":
            features = Features(self._pyramid(features), (features.others[0], features.others[-1]))
        return ClickOutput(self.cls_head(self._head(features)), self.aux_head(features.main))

    def _pyramid(self, features: Features) -> Tensor:
        """From the deepest level up to the one of stride 4, each added to the one below, upsampled."""
        levels, coords = [*features.others[1:-1], features.main], features.others[-1]
        sides = [
            lateral(x) + maps(_pooled(coords, x))
            for lateral, maps, x in zip(self.lateral, self.lateral_maps, levels, strict=True)
        ]
        x: Tensor = sides[-1]
        for side, smooth in zip(reversed(sides[:-1]), reversed(self.smooth), strict=True):
            x = smooth(side + resize(x, side.shape[2:]))
        return x

    def _head(self, features: Features) -> Tensor:
        first, coords = features.others
        detail = self.detail(first) + self.detail_maps(_pooled(coords, first))
        return torch.as_tensor(self.head(detail + resize(self.reduce(features.main), detail.shape[2:])))


def _pooled(coords: Tensor, like: Tensor) -> Tensor:
    """Clicks and previous mask at the size of a level; a click never gets lost."""
    return F.adaptive_max_pool2d(coords, like.shape[2:])


def _aligned(side: float) -> int:
    return STRIDE * max(1, round((side - 1) / STRIDE)) + 1


def _conv_bn_relu(channels: int) -> list[nn.Module]:
    conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
    return [conv, nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
