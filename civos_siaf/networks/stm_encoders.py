"""The ResNet-50 encoders of MiVOS' propagation network, its key and value heads (spec mivos 4.1, 4.2)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.residual_stages import stage

F16_CHANNELS = 1024
KEY_CHANNELS = 128
VALUE_CHANNELS = 512


class Pyramid(NamedTuple):
    """Features of strides 4 (256 channels), 8 (512) and 16 (1024)."""

    f4: Tensor
    f8: Tensor
    f16: Tensor


class FrameEncoder(nn.Module):
    """ResNet-50 up to stride 16 on an image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.res2 = stage(64, 64, 3, stride=1)
        self.layer2 = stage(256, 128, 4, stride=2)
        self.layer3 = stage(512, 256, 6, stride=2)

    def forward(self, image: Tensor) -> Pyramid:
        """Normalised images (B, 3, H, W)."""
        f4 = self.res2(_pool(self.bn1(self.conv1(image))))
        f8 = self.layer2(f4)
        return Pyramid(f4, f8, self.layer3(f8))


class MemoryEncoder(nn.Module):
    """ResNet-50 up to stride 16 on an image, the object's mask and the others' mask.

    Every convolution has a bias, as in the published weights.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(5, 64, 7, stride=2, padding=3)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = stage(64, 64, 3, stride=1, bias=True)
        self.layer2 = stage(256, 128, 4, stride=2, bias=True)
        self.layer3 = stage(512, 256, 6, stride=2, bias=True)

    def forward(self, image: Tensor, masks: Tensor, others: Tensor) -> Tensor:
        """Image (1 or K, 3, H, W), masks and others (K, 1, H, W) to (K, 1024, H/16, W/16)."""
        x = _pool(self.bn1(self.stem(image, masks, others)))
        return torch.as_tensor(self.layer3(self.layer2(self.layer1(x))))

    def stem(self, image: Tensor, masks: Tensor, others: Tensor) -> Tensor:
        """The first convolution: its part over the image is the same for every object."""
        conv = self.conv1
        if len(masks) == len(image):
            return torch.as_tensor(conv(torch.cat([image, masks, others], dim=1)))
        shared = F.conv2d(image, conv.weight[:, :3], conv.bias, conv.stride, conv.padding)
        own = torch.cat([masks, others], dim=1)
        return F.conv2d(own, conv.weight[:, 3:], None, conv.stride, conv.padding) + shared


class KeyValue(nn.Module):
    """3x3 projections of the stride-16 feature to keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.key_proj = nn.Conv2d(F16_CHANNELS, KEY_CHANNELS, 3, padding=1)
        self.val_proj = nn.Conv2d(F16_CHANNELS, VALUE_CHANNELS, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 1024, h, w) to key (B, 128, h, w) and value (B, 512, h, w)."""
        return self.key_proj(x), self.val_proj(x)


class JoinedKeyValue(nn.Module):
    """Takes the place of a `KeyValue`: one convolution whose first channels are the key.

    Args:
        conv: from 1024 channels to those of key and value together.
    """

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """See `KeyValue`."""
        key, value = self.conv(x).split([KEY_CHANNELS, VALUE_CHANNELS], dim=1)
        return key, value


def _pool(x: Tensor) -> Tensor:
    return F.max_pool2d(F.relu(x, inplace=True), 3, stride=2, padding=1)
