"""A convolution in two cheap parts, for the light networks."""

from __future__ import annotations

from torch import nn


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
