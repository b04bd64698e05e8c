"""Networks changed for a training: statistics over all processes, convolutions kept in full precision."""

from __future__ import annotations

from collections.abc import Callable

import torch
from timm.layers.norm_act import convert_sync_batchnorm
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from civos_siaf.training.task import Task

# Not torch's own: that one loses the activations that timm's norms carry.
_sharing: Callable[[nn.Module], nn.Module] = convert_sync_batchnorm


def share_statistics(task: Task) -> int:
    """Turn a task's batch norms into ones whose statistics are of all processes; for GPUs.

    Those that are frozen in training stay as they are: they have no statistics to share, and what keeps them
    frozen would not find others in their place. Parameters and buffers stay the same objects with the same
    names, so an optimiser or a moving average that was made before goes on.

    Args:
        task: put into training mode, and changed in place.

    Returns:
        How many were turned.
    """
    return _share(task.train())


def _share(parent: nn.Module) -> int:
    count = 0
    for name, child in parent.named_children():
        if not isinstance(child, _BatchNorm):
            count += _share(child)
        elif child.training:
            setattr(parent, name, _sharing(child))
            count += 1
    return count


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
