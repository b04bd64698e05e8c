"""HRNet: branches of several resolutions side by side, exchanging features.

Source: docs/specification/ritm.md section 4.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.click_network import resize

STEM_CHANNELS = 64


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a residual, (B, C, H, W) to the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H, W)."""
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu_(self.bn2(self.conv2(y)).add_(x))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions and a residual; the output has 4 * `channels` channels."""

    def __init__(self, in_channels: int, channels: int = 64) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, 4 * channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * channels)
        self.downsample: nn.Sequential | None = None
        if in_channels != 4 * channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, 4 * channels, 1, bias=False), nn.BatchNorm2d(4 * channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, 4 * channels, H, W)."""
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        y = self.bn3(self.conv3(y))
        return F.relu_(y.add_(x if self.downsample is None else self.downsample(x)))


class HighResolutionModule(nn.Module):
    """Residual blocks on every branch, then each branch receives the sum of all, resized to its own size."""

    def __init__(self, channels: list[int], num_blocks: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(BasicBlock(c) for _ in range(num_blocks))) for c in channels
        )
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(_exchange(channels, source=j, target=i) for j in range(len(channels)))
            for i in range(len(channels))
        )

    def forward(self, xs: list[Tensor]) -> list[Tensor]:
        """Branch b: (B, channels[b], H/2^b, W/2^b), sizes rounded up; the same shapes come out."""
        xs = [branch(x) for branch, x in zip(self.branches, xs, strict=True)]
        fused = []
        for target, layers in zip(xs, self.fuse_layers, strict=True):
            assert isinstance(layers, nn.ModuleList)
            # Summed in the order of the branches: another order would round differently.
            terms = (resize(layer(x), target.shape[2:]) for layer, x in zip(layers, xs, strict=True))
            total = next(terms) + next(terms)
            for term in terms:
                total += term
            fused.append(F.relu_(total))
        return fused


class HRNet(nn.Module):
    """The backbone: an image of stride 1 becomes features of stride 4.

    Args:
        width: channels C of the branch with the highest resolution; the others have 2C, 4C, 8C.
        small: two blocks per branch and fewer modules (HRNet-W18-C-Small-v2) in place of four.
    """

    def __init__(self, *, width: int, small: bool = False) -> None:
        super().__init__()
        blocks = 2 if small else 4
        modules = (1, 3, 2) if small else (1, 4, 3)
        channels = [width * 2**b for b in range(4)]
        self.out_channels = sum(channels)
        self.conv1 = nn.Conv2d(3, STEM_CHANNELS, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM_CHANNELS)
        self.conv2 = nn.Conv2d(STEM_CHANNELS, STEM_CHANNELS, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(STEM_CHANNELS)
        widths = [STEM_CHANNELS] + [256] * blocks
        self.layer1 = nn.Sequential(*(Bottleneck(c) for c, _ in pairwise(widths)))
        self.transition1 = nn.ModuleList(
            [_conv_bn_relu(256, channels[0]), nn.Sequential(_conv_bn_relu(256, channels[1], stride=2))]
        )
        self.stage2 = _stage(channels[:2], modules[0], blocks)
        self.transition2 = _transition(channels[:3])
        self.stage3 = _stage(channels[:3], modules[1], blocks)
        self.transition3 = _transition(channels)
        self.stage4 = _stage(channels, modules[2], blocks)

    def features(self, rgb: Tensor, extra: Tensor | None = None) -> Tensor:
        """Concatenated branches.

        Args:
            rgb: (B, 3, H, W), normalised.
            extra: (B, 64, H/2, W/2), sizes rounded up, added after the first convolution; overwritten.

        Returns:
            (B, 15 * width, H/4, W/4), sizes rounded up.
        """
        x = F.relu(self.bn1(self.conv1(rgb)), inplace=True)
        if extra is not None:
            # Into `extra`, which no gradient needs; the ReLU's output is needed.
            x = extra.add_(x)
        x = F.relu(self.bn2(self.conv2(x)), inplace=True)
        x = self.layer1(x)
        xs = self.stage2([layer(x) for layer in self.transition1])
        xs = self.stage3([*xs, self.transition2[-1](xs[-1])])
        xs = self.stage4([*xs, self.transition3[-1](xs[-1])])
        return torch.cat([resize(x, xs[0].shape[2:]) for x in xs], dim=1)


def _conv_bn_relu(in_channels: int, out_channels: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(*_conv_bn(in_channels, out_channels, stride=stride), nn.ReLU(inplace=True))


def _conv_bn(in_channels: int, out_channels: int, *, stride: int) -> list[nn.Module]:
    conv = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
    return [conv, nn.BatchNorm2d(out_channels)]


def _stage(channels: list[int], num_modules: int, num_blocks: int) -> nn.Sequential:
    return nn.Sequential(*(HighResolutionModule(channels, num_blocks) for _ in range(num_modules)))


def _transition(channels: list[int]) -> nn.ModuleList:
    """The known branches stay; the last is made from the one before at half its resolution."""
    new = nn.Sequential(_conv_bn_relu(channels[-2], channels[-1], stride=2))
    return nn.ModuleList([*(nn.Identity() for _ in channels[:-1]), new])


def _exchange(channels: list[int], *, source: int, target: int) -> nn.Module:
    """Layers that bring branch `source` to the channels of `target`, and down to its resolution."""
    if source == target:
        return nn.Identity()
    if source > target:
        conv = nn.Conv2d(channels[source], channels[target], 1, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(channels[target]))
    steps: list[nn.Module] = [
        _conv_bn_relu(channels[source], channels[source], stride=2) for _ in range(target - source - 1)
    ]
    steps.append(nn.Sequential(*_conv_bn(channels[source], channels[target], stride=2)))
    return nn.Sequential(*steps)
