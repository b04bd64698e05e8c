"""A moving average of the weights, which usually tests better than the weights of the last step."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Ema:
    """Keeps the average beside the network.

    Args:
        network: what is trained.
        decay: share of the old average that is kept per step; less in the first steps, (1 + n) / (10 + n).

    Attributes:
        network: a copy that holds the average, in eval mode. Buffers are copied, not averaged.
    """

    def __init__(self, network: nn.Module, *, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be in [0, 1), got {decay}")
        self.decay = decay
        self.network = copy.deepcopy(network).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after step number `step` (from 0)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        averages = [parameter.data for parameter in self.network.parameters()]
        current = [parameter.data for parameter in network.parameters()]
        torch._foreach_lerp_(averages, current, 1 - decay)
        for own, other in zip(self.network.buffers(), network.buffers(), strict=True):
            own.copy_(other)
