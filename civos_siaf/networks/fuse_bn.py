"""Folding batch norm into the convolution before it: fewer passes over memory, for inference only."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.ops import FrozenBatchNorm2d

from civos_siaf.networks.click_fusion import AbsoluteScale

NORMS = (nn.BatchNorm2d, FrozenBatchNorm2d)
Network = TypeVar("Network", bound=nn.Module)


def fuse_batch_norm(network: Network) -> Network:
    """A copy of a network in eval mode whose batch norms and fixed scales are part of the convolutions.

    A batch norm belongs to the convolution declared just before it in the same module, alone or as the first
    layer of a sequence; the networks here declare them so exactly where they run one after the other.

    Raises:
        ValueError: the network is in training mode, where batch norm is not a fixed scale.
    """
    if network.training:
        raise ValueError("batch norm can be folded in eval mode only, call eval() first")
    fused = copy.deepcopy(network)
    for module in fused.modules():
        _fuse_children(module)
    return fused


def _fuse_children(parent: nn.Module) -> None:
    conv_name: str | None = None
    for name, child in list(parent.named_children()):
        owner, norm_name = (child, "0") if _starts_with_norm(child) else (parent, name)
        norm = getattr(owner, norm_name)
        if isinstance(norm, NORMS) and conv_name is not None:
            conv = getattr(parent, conv_name)
            if conv.out_channels == torch.as_tensor(norm.running_var).numel():
                setattr(parent, conv_name, fuse_conv_bn_eval(conv, norm))
                # timm's norms carry their activation.
                setattr(owner, norm_name, getattr(norm, "act", nn.Identity()))
        if isinstance(child, AbsoluteScale) and conv_name is not None:
            child.fold_into(getattr(parent, conv_name))
            setattr(parent, name, nn.Identity())
        conv_name = name if isinstance(child, nn.Conv2d) else None


def _starts_with_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential) and len(module) > 0 and isinstance(module[0], NORMS)
