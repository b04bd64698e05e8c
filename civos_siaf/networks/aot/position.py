"""The sine code of positions (spec aot 6)."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

BASE = 10_000


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def sine_positions(height: int, width: int, channels: int, device: torch.device) -> Tensor:
    """(h*w, C): the first half of the channels tells the row, the second the column.

    Coordinates run from 0 to one full turn; even channels are sines, odd ones cosines. Shared, not to be
    changed.
    """
    half = channels // 2
    step = torch.arange(half, device=device).div(2, rounding_mode="floor") * 2 / half
    frequency = BASE**step

    def code(count: int) -> Tensor:
        turn = torch.arange(count, device=device) / (count - 1 + 1e-6) * (2 * math.pi)
        angle = turn[:, None] / frequency
        even = torch.arange(half, device=device) % 2 == 0
        return torch.where(even, angle.sin(), angle.cos())

    rows = code(height)[:, None].expand(-1, width, -1)
    columns = code(width)[None].expand(height, -1, -1)
    return torch.cat([rows, columns], dim=-1).flatten(0, 1)
