"""The convolutional encoders of AOT, with the names of its published weights.

Source: docs/specification/aot.md section 3.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.mobilenetv2 import InvertedResidual
from torchvision.ops import FrozenBatchNorm2d
from torchvision.ops.misc import Conv2dNormActivation

from civos_siaf.networks.residual_stages import stage

_GROUPS = (
    # expansion, channels, blocks, stride, dilation of the blocks after the first
    (1, 16, 1, 1, 1),
    (6, 24, 2, 2, 1),
    (6, 32, 3, 2, 1),
    (6, 64, 4, 2, 1),
    (6, 96, 3, 1, 1),
    (6, 160, 3, 1, 2),
)
_STEM, _LAST_BLOCK, _TOP = 32, 320, 1280
_TAPS = (3, 6, 13, 18)


class Pyramid(NamedTuple):
    """Features of strides 4, 8 and 16, and those of stride 16 that are matched."""

    f4: Tensor
    f8: Tensor
    f16: Tensor
    last: Tensor


class Encoder(nn.Module, ABC):
    """What makes a pyramid of a frame.

    Attributes:
        channels: of the four features.
        stem: how the names of the parameters begin that are never trained
            (docs/specification/aot.md section 3.4).
    """

    channels: tuple[int, int, int, int]
    stem: tuple[str, ...]

    @abstractmethod
    def forward(self, image: Tensor) -> Pyramid:
        """Normalised images (B, 3, H, W)."""

    def freeze_stem(self) -> None:
        """Exclude from training what lies before and in the stage of stride 4."""
        for name, parameter in self.named_parameters():
            if name.startswith(self.stem):
                parameter.requires_grad_(False)


class MobileNetV2Encoder(Encoder):
    """MobileNetV2 down to stride 16: the last stride is replaced by dilation; batch norm is frozen."""

    channels = (24, 32, 96, 1280)
    stem = ("features.0.", "features.1.", "features.2.", "features.3.")

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            Conv2dNormActivation(3, _STEM, stride=2, norm_layer=FrozenBatchNorm2d, activation_layer=nn.ReLU6)
        ]
        channels = _STEM
        for expansion, width, blocks, stride, dilation in _GROUPS:
            for i in range(blocks):
                layers.append(
                    _inverted(channels, width, stride if i == 0 else 1, expansion, 1 if i == 0 else dilation)
                )
                channels = width
        layers.append(_inverted(channels, _LAST_BLOCK, 1, 6, 2))
        layers.append(
            Conv2dNormActivation(
                _LAST_BLOCK, _TOP, kernel_size=1, norm_layer=FrozenBatchNorm2d, activation_layer=nn.ReLU6
            )
        )
        self.features = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Pyramid:
        """Normalised images (B, 3, H, W)."""
        x, found = image, []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in _TAPS:
                found.append(x)
        return Pyramid(*found)


class ResNet50Encoder(Encoder):
    """ResNet-50 without its last stage; batch norm is frozen."""

    channels = (256, 512, 1024, 1024)
    stem = ("conv1.", "layer1.")

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = FrozenBatchNorm2d(64)
        self.layer1 = stage(64, 64, 3, stride=1, norm=FrozenBatchNorm2d)
        self.layer2 = stage(256, 128, 4, stride=2, norm=FrozenBatchNorm2d)
        self.layer3 = stage(512, 256, 6, stride=2, norm=FrozenBatchNorm2d)

    def forward(self, image: Tensor) -> Pyramid:
        """Normalised images (B, 3, H, W)."""
        x = F.relu(self.bn1(self.conv1(image)), inplace=True)
        f4 = self.layer1(F.max_pool2d(x, 3, stride=2, padding=1))
        f8 = self.layer2(f4)
        f16 = self.layer3(f8)
        return Pyramid(f4, f8, f16, f16)


def _inverted(channels: int, width: int, stride: int, expansion: int, dilation: int) -> InvertedResidual:
    block = InvertedResidual(channels, width, stride, expansion, norm_layer=FrozenBatchNorm2d)
    depthwise = block.conv[-3][0]
    depthwise.dilation = depthwise.padding = (dilation, dilation)
    return block
