"""Batch norms that take their statistics over the batches of all processes."""

from __future__ import annotations

from collections.abc import Callable

from timm.layers.norm_act import convert_sync_batchnorm
from torch import nn
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
