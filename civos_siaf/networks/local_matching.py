"""Masks carried from one frame to the next by matching within a window."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

FAR = 1e4


def carry_locally(now: Tensor, before: Tensor, maps: Tensor, *, radius: int, sharpness: Tensor) -> Tensor:
    """Each position takes the maps of positions of the frame before that look alike, from its window only.

    Args:
        now: (N, C, h, w) points; positions match by the distance of their points.
        before: (N, C, h, w) points of the frames before.
        maps: (P, D, h, w), of the frames before; P = N, or N = 1.
        radius: of the square window, in positions.
        sharpness: scalar, what a squared distance of points counts.

    Returns:
        (P, D, h, w).
    """
    height, width = now.shape[2:]
    offsets = [(dy, dx) for dy in range(-radius, radius + 1) for dx in range(-radius, radius + 1)]
    padded = F.pad(before, (radius,) * 4)
    inside = F.pad(torch.ones_like(before[:1, :1]), (radius,) * 4)
    logits = []
    for dy, dx in offsets:
        rows, columns = slice(radius + dy, radius + dy + height), slice(radius + dx, radius + dx + width)
        distance = (now - padded[:, :, rows, columns]).square().sum(dim=1)
        logits.append(-sharpness * distance - FAR * (1 - inside[:, 0, rows, columns]))
    share = torch.stack(logits, dim=1).softmax(dim=1)
    around = F.pad(maps, (radius,) * 4)
    out = torch.zeros_like(maps)
    for place, (dy, dx) in enumerate(offsets):
        rows, columns = slice(radius + dy, radius + dy + height), slice(radius + dx, radius + dx + width)
        out = out + share[:, place, None] * around[:, :, rows, columns]
    return out
