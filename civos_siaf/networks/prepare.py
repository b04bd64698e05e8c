"""Networks as they run fastest: for inference only, equal up to rounding."""

from __future__ import annotations

import torch
from torch import nn

from civos_siaf.networks.fuse_bn import Network, fuse_batch_norm
from civos_siaf.networks.stm_decoder import SplitConv, SplitPair
from civos_siaf.networks.stm_encoders import JoinedKeyValue, KeyValue
from civos_siaf.networks.winograd import WinogradConv, suits

MIN_CHANNELS = 128
"""Below this the direct convolution is faster (measured on 2 cores)."""


def for_inference(network: Network, *, winograd: bool = True) -> Network:
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
        if isinstance(child, KeyValue):
            setattr(parent, name, _joined(child))
        if not isinstance(child, nn.Conv2d) or not suits(child, min_channels=MIN_CHANNELS):
            continue
        if isinstance(child, SplitConv):
            first = WinogradConv(child.weight[:, : child.split], None)
            setattr(parent, name, SplitPair(first, WinogradConv(child.weight[:, child.split :], child.bias)))
        elif child.in_channels >= 2 * MIN_CHANNELS:
            setattr(parent, name, WinogradConv(child.weight, child.bias))


def _joined(heads: KeyValue) -> JoinedKeyValue:
    """Both projections of the same feature as one convolution."""
    pair = (heads.key_proj, heads.val_proj)
    weight = torch.cat([conv.weight for conv in pair])
    bias = torch.cat([conv.bias for conv in pair if conv.bias is not None])
    return JoinedKeyValue(WinogradConv(weight, bias))
