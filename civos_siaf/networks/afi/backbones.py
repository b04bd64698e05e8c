"""Backbones that see prompts beside the image, through a second stem.

Source: docs/specification/siaf.md sections 2.6, 3.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision.ops import FrozenBatchNorm2d

from civos_siaf.networks.aot import swin
from civos_siaf.networks.residual_stages import stage

NUM_IDENTITIES = 11
"""Background and the ten objects of a group."""
MAPS = 2 * NUM_IDENTITIES
"""Channels of the prompts: strokes, then the previous mask."""
SWIN_DEPTHS = (2, 2, 18, 2)
SWIN_HEADS = (4, 8, 16, 32)
MOBILENET = "mobilenetv2_100"


class Levels(NamedTuple):
    """Features of strides 4, 8 and 16, and the deepest ones."""

    low: Tensor
    middle8: Tensor
    middle16: Tensor
    high: Tensor


class PromptedBackbone(nn.Module, ABC):
    """Images and prompts to features.

    Attributes:
        channels: of the four levels.
        high_stride: of the deepest level.
        maps_stride: the prompts come reduced by it.
        id_stem: the convolution of the prompts; zero in the beginning, without bias, so that a pretrained
            backbone begins with exactly the features that it has of the image.
    """

    channels: tuple[int, int, int, int]
    high_stride: int
    maps_stride: int = 1
    id_stem: nn.Conv2d

    @abstractmethod
    def forward(self, images: Tensor, maps: Tensor) -> Levels:
        """Features of what the prompts ask.

        Args:
            images: (N, 3, H, W), normalised.
            maps: (kN, 22, H, W) prompts, k times for the same images; see `maps_stride`.
        """


class ResNet50Backbone(PromptedBackbone):
    """ResNet-50 of output stride 16, with torchvision's names; its batch norms are frozen."""

    channels = (256, 512, 1024, 2048)
    high_stride = 16

    def __init__(self) -> None:
        super().__init__()
        # Not right after a convolution: two of them share this norm, which is never folded into one.
        self.bn1 = FrozenBatchNorm2d(64)
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.id_stem = _id_stem(64, kernel=7, stride=2)
        self.layer1 = stage(64, 64, 3, stride=1, norm=FrozenBatchNorm2d)
        self.layer2 = stage(256, 128, 4, stride=2, norm=FrozenBatchNorm2d)
        self.layer3 = stage(512, 256, 6, stride=2, norm=FrozenBatchNorm2d)
        self.layer4 = stage(1024, 512, 3, stride=1, dilation=2, norm=FrozenBatchNorm2d)

    def forward(self, images: Tensor, maps: Tensor) -> Levels:
        """Features of what the prompts ask."""
        x = F.relu(self.bn1(_joined(self.conv1(images), self.id_stem(maps))))
        low = self.layer1(F.max_pool2d(x, 3, stride=2, padding=1))
        middle8 = self.layer2(low)
        middle16 = self.layer3(middle8)
        return Levels(low, middle8, middle16, self.layer4(middle16))


class SwinBackbone(PromptedBackbone):
    """All four stages of Swin-B, each with its own norm at the end; the names of the authors' file.

    Args:
        drop_path: probability that the last block is left out in training; less for those before.
        depths: blocks of each stage.
        recompute: in training, blocks are run once more for their gradients: much less memory for more time.

    Attributes:
        recompute: see there.
    """

    channels = (128, 256, 512, 1024)
    high_stride = 32

    def __init__(
        self, *, drop_path: float = 0.3, depths: Sequence[int] = SWIN_DEPTHS, recompute: bool = False
    ) -> None:
        super().__init__()
        self.recompute = recompute
        last = sum(depths) - 1
        rates = [drop_path * i / last for i in range(last + 1)]
        self.patch_embed = swin.PatchEmbed()
        self.id_stem = _id_stem(swin.WIDTH, kernel=swin.PATCH, stride=swin.PATCH, padding=0)
        self.layers, self.norms = nn.ModuleList(), nn.ModuleList()
        for s, (depth, heads) in enumerate(zip(depths, SWIN_HEADS, strict=True)):
            merge = s + 1 < len(depths)
            self.layers.append(swin.Stage(self.channels[s], heads, rates[:depth], merge=merge))
            self.norms.append(nn.LayerNorm(self.channels[s]))
            rates = rates[depth:]
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, images: Tensor, maps: Tensor) -> Levels:
        """Features of what the prompts ask."""
        x = _joined(self.patch_embed.proj(images), self.id_stem(maps))
        x = self.patch_embed.norm(x.permute(0, 2, 3, 1))
        found = []
        for layer, norm in zip(self.layers, self.norms, strict=True):
            own, x = layer(x, recompute=self.recompute and self.training)
            found.append(norm(own).permute(0, 3, 1, 2))
        return Levels(*found)


class MobileNetBackbone(PromptedBackbone):
    """MobileNetV2 of timm, whose batch norms keep their statistics.

    Prompts come at half the size and are added after the first norm and activation, as in the light click
    network: cheap, and the norm can be folded into its convolution.
    """

    high_stride = 32
    maps_stride = 2
    trunk: Any

    def __init__(self) -> None:
        super().__init__()
        self.trunk = timm.create_model(
            MOBILENET, features_only=True, pretrained=False, out_indices=(1, 2, 3, 4)
        )
        low, middle8, middle16, high = self.trunk.feature_info.channels()
        self.channels = (low, middle8, middle16, high)
        self._taps = [int(name.rpartition(".")[2]) for name in self.trunk.feature_info.module_name()]
        self.id_stem = _id_stem(self.trunk.conv_stem.out_channels, kernel=1, stride=1)

    def train(self, mode: bool = True) -> MobileNetBackbone:
        """As in torch, but batch norms stay in eval mode; their scales and shifts are trained."""
        super().train(mode)
        for module in self.trunk.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
        return self

    def forward(self, images: Tensor, maps: Tensor) -> Levels:
        """Features of what the prompts ask."""
        x = _joined(self.trunk.bn1(self.trunk.conv_stem(images)), self.id_stem(maps))
        found = []
        for index, block in enumerate(self.trunk.blocks):
            x = block(x)
            if index in self._taps:
                found.append(x)
        return Levels(*found)


def _id_stem(channels: int, *, kernel: int, stride: int, padding: int | None = None) -> nn.Conv2d:
    pad = kernel // 2 if padding is None else padding
    conv = nn.Conv2d(MAPS, channels, kernel, stride=stride, padding=pad, bias=False)
    nn.init.zeros_(conv.weight)
    return conv


def _joined(images: Tensor, maps: Tensor) -> Tensor:
    """The sum of both stems; what the images give serves every group of objects."""
    groups = len(maps) // len(images)
    return torch.as_tensor(maps + (images if groups == 1 else images.repeat(groups, 1, 1, 1)))
