"""Networks as they run fastest: for inference only, equal up to rounding."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.ops import FrozenBatchNorm2d

from civos_siaf.networks.click_inputs import AbsoluteScale
from civos_siaf.networks.stm import JoinedKeyValueHead, KeyValueHead, SplitConv, SplitPair
from civos_siaf.networks.winograd import WinogradConv, suits

NORMS = (nn.BatchNorm2d, FrozenBatchNorm2d)
NetworkT = TypeVar("NetworkT", bound=nn.Module)


def fuse_batch_norm(network: NetworkT) -> NetworkT:
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


MIN_CHANNELS = 128
"""Below this the direct convolution is faster (measured on 2 cores)."""


def for_inference(network: NetworkT, *, winograd: bool = True) -> NetworkT:
    """A copy of a network in eval mode: batch norm folded in, channels last, large convolutions by Winograd.

    Args:
        network: in eval mode.
        winograd: for CPUs in float32: large 3x3 convolutions by Winograd; weights take four times the space.

    Raises:
        ValueError: the network is in training mode.
    """
    prepared = fuse_batch_norm(network).to(memory_format=torch.channels_last)
    if winograd:
        for module in list(prepared.modules()):
            _replace_children(module)
    return prepared


def _replace_children(parent: nn.Module) -> None:
    for name, child in list(parent.named_children()):
        if isinstance(child, KeyValueHead):
            setattr(parent, name, _joined(child))
        if not isinstance(child, nn.Conv2d) or not suits(child, min_channels=MIN_CHANNELS):
            continue
        if isinstance(child, SplitConv):
            first = WinogradConv(child.weight[:, : child.split], None)
            setattr(parent, name, SplitPair(first, WinogradConv(child.weight[:, child.split :], child.bias)))
        elif child.in_channels >= 2 * MIN_CHANNELS:
            setattr(parent, name, WinogradConv(child.weight, child.bias))


def _joined(heads: KeyValueHead) -> JoinedKeyValueHead:
    """Both projections of the same feature as one convolution."""
    pair = (heads.key_proj, heads.val_proj)
    weight = torch.cat([conv.weight for conv in pair])
    bias = torch.cat([conv.bias for conv in pair if conv.bias is not None])
    return JoinedKeyValueHead(WinogradConv(weight, bias))
