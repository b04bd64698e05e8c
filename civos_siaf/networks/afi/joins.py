"""Prompts that meet the features behind the backbone, which knows nothing of them (light networks)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.afi.backbones import IDENTITIES, MAPS

FIRST_STRIDE = 4


def reduced(maps: Tensor, factor: int) -> Tensor:
    """(N, 22, H, W) to (N, 22, H/f, W/f). A stroke never gets lost, a mask is averaged."""
    if factor == 1:
        return maps
    marks, previous = maps[:, :IDENTITIES], maps[:, IDENTITIES:]
    return torch.cat([F.max_pool2d(marks, factor), F.avg_pool2d(previous, factor)], dim=1)


class PromptJoins(nn.Module):
    """A convolution of the prompts for every level; all zero in the beginning.

    Args:
        channels: of the levels, of strides 4, 8, 16 and so on.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(MAPS, c, 3, padding=1, bias=False) for c in channels)
        for conv in self.convolutions:
            nn.init.zeros_(torch.as_tensor(conv.weight))

    def forward(self, maps: Tensor, stride: int = 1) -> list[Tensor]:
        """Prompts (N, 22, H, W), of a stride, to what is added to each level."""
        found, factor = [], FIRST_STRIDE // stride
        for conv in self.convolutions:
            maps = reduced(maps, factor)
            found.append(conv(maps))
            factor = 2
        return found
