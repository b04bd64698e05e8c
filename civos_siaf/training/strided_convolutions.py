"""Convolutions that half precision makes slower on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FullPrecisionConv2d(nn.Conv2d):
    """A convolution that autocast leaves alone on CPUs."""

    def forward(self, x: Tensor) -> Tensor:
        """See `torch.nn.Conv2d`; the answer has the input's type."""
        if x.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float()).to(x.dtype)


def keep_full_precision(network: nn.Module) -> int:
    """Let the depthwise convolutions with a stride work in float32; nothing else about them changes.

    Their gradients in bfloat16 take three to ten times as long on a CPU (torch 2.x).

    Returns:
        How many there are.
    """
    count = 0
    for module in network.modules():
        if type(module) is nn.Conv2d and module.groups == module.in_channels > 1 and max(module.stride) > 1:
            # The class alone: names, weights and hooks stay, and copies are made as before.
            module.__class__ = FullPrecisionConv2d
            count += 1
    return count
