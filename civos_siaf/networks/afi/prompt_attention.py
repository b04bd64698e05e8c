"""How prompts reach the features of the light interaction network: added to them, and by attention."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.afi.backbones import MAPS, NUM_IDENTITIES

FIRST_STRIDE = 4


def reduced(maps: Tensor, factor: int) -> Tensor:
    """(N, 22, H, W) to (N, 22, H/f, W/f). A stroke never gets lost, a mask is averaged."""
    if factor == 1:
        return maps
    marks, previous = maps[:, :NUM_IDENTITIES], maps[:, NUM_IDENTITIES:]
    return torch.cat([F.max_pool2d(marks, factor), F.avg_pool2d(previous, factor)], dim=1)


class PromptInjection(nn.Module):
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


STRIDE = 16
KINDS = MAPS // NUM_IDENTITIES
"""Strokes and previous masks."""
CODE = 24
"""Channels of keys and values alike, which attention without a map of logits asks for."""


class PromptAttention(nn.Module):
    """Every place asks the places that have a prompt, in all frames, which identity they have.

    The answer is a mean of their prompts, weighted by likeness. No identity is treated other than the next,
    so nothing has to be learned for each of the ten.

    Args:
        width: channels of the features.
        sharpness: factor on the likeness (a cosine) in the beginning.
        preference: added to the logit of places that have a prompt, in the beginning.
    """

    def __init__(self, width: int, *, sharpness: float = 10.0, preference: float = 10.0) -> None:
        super().__init__()
        self.likeness = nn.Conv2d(width, KINDS * (CODE - 1), 1)
        self.sharpness = nn.Parameter(torch.full((KINDS,), sharpness))
        self.preference = nn.Parameter(torch.full((KINDS,), preference))

    def forward(self, features: Tensor, prompts: Tensor, frames: int) -> Tensor:
        """What the prompts of all frames say.

        Args:
            features: (B*T, C, h, w), the frames of a sample one after the other.
            prompts: (B*T, 22, h, w) of the same size.
            frames: T.

        Returns:
            (B*T, 22, h, w): 0 to 1.
        """
        size = features.shape[2:]
        codes = F.normalize(torch.unflatten(self.likeness(features), 1, (KINDS, -1)).float(), dim=2)
        values = torch.unflatten(prompts.float(), 1, (KINDS, -1))
        present = values.amax(dim=2, keepdim=True)
        sharpness, preference = (x.view(1, KINDS, 1, 1, 1) for x in (self.sharpness, self.preference))
        query = torch.cat([codes * sharpness, torch.ones_like(present)], dim=2)
        key = torch.cat([codes, present * preference], dim=2)
        values = torch.cat([values, values.new_zeros(*values.shape[:2], CODE - NUM_IDENTITIES, *size)], dim=2)
        q, k, v = (_by_sample(x, frames) for x in (query, key, values))
        seen = F.scaled_dot_product_attention(q, k, v, scale=1.0)[..., :NUM_IDENTITIES]
        return _by_frame(seen, frames, (size[0], size[1]))


def _by_sample(x: Tensor, frames: int) -> Tensor:
    """(B*T, K, C, h, w) to (B, K, T*h*w, C)."""
    x = torch.unflatten(x.flatten(3), 0, (-1, frames))
    return x.permute(0, 2, 1, 4, 3).flatten(2, 3)


def _by_frame(x: Tensor, frames: int, size: tuple[int, int]) -> Tensor:
    """(B, K, T*h*w, C) to (B*T, K*C, h, w)."""
    x = torch.unflatten(x, 2, (frames, -1)).permute(0, 2, 1, 4, 3)
    return x.reshape(-1, x.shape[2] * x.shape[3], *size)
