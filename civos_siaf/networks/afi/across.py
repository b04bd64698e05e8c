"""Across-frame attention: every annotated frame sees all others.

Source: docs/specification/siaf.md section 4, equation 4 of the paper.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.afi.deformable import DeformableAttention, Shape
from civos_siaf.networks.aot.transformer import sine_positions

LEVELS = 2
"""Strides 8 and 16."""


class AcrossFrames(nn.Module):
    """Middle levels of T frames to one feature map per frame.

    First deformable attention among the tokens of a frame, then attention among the tokens of stride 16 of
    all frames. Frames have no order. Memory grows linearly with their number: no map of attention is kept.

    Args:
        channels: of the levels of stride 8 and 16.
        width: channels inside and of the result.
        heads: of both attentions.
        points: see `DeformableAttention`.
        layers: of deformable attention.
        hidden: channels inside the feed-forward parts.
        groups: of the group norms.
        dropout: in training.
        across: False leaves attention out: the levels are only brought together.
        fuse: makes the last convolution, of so many channels; None: 3x3, norm, ReLU.
    """

    def __init__(
        self,
        channels: tuple[int, int],
        *,
        width: int = 256,
        heads: int = 8,
        points: int = 4,
        layers: int = 2,
        hidden: int = 1024,
        groups: int = 32,
        dropout: float = 0.1,
        across: bool = True,
        fuse: Callable[[int], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.width = width
        self.project = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c, width, 1), nn.GroupNorm(groups, width)) for c in channels
        )
        self.within = nn.ModuleList(
            DeformableLayer(width, heads=heads, points=points, hidden=hidden, dropout=dropout)
            for _ in range(layers if across else 0)
        )
        self.level: nn.Parameter | None = None
        self.between: FrameAttention | None = None
        if across:
            self.level = nn.Parameter(torch.randn(LEVELS, width))
            self.between = FrameAttention(width, heads=heads, hidden=hidden)
        self.fuse = fuse(width) if fuse else _convolution(width, groups)

    def forward(
        self, middle8: Tensor, middle16: Tensor, frames: int, joins: tuple[Tensor, ...] = ()
    ) -> Tensor:
        """Exchange what the frames show.

        Args:
            middle8: (B*T, C8, h, w), the frames of a sample one after the other.
            middle16: (B*T, C16, h/2, w/2).
            frames: T.
            joins: (B*T, width, ...) of both sizes, added to the projected levels.

        Returns:
            (B*T, width, h, w).
        """
        maps = [project(x) for project, x in zip(self.project, (middle8, middle16), strict=True)]
        if joins:
            maps = [x + join for x, join in zip(maps, joins, strict=True)]
        if self.level is not None and self.between is not None:
            maps = self._attended(maps, self.level, self.between, frames)
        map8, map16 = maps
        up = F.interpolate(map16, size=map8.shape[2:], mode="bilinear", align_corners=False)
        return torch.as_tensor(self.fuse(map8 + up))

    def _attended(
        self, maps: list[Tensor], level: Tensor, between: FrameAttention, frames: int
    ) -> list[Tensor]:
        shapes: list[Shape] = [(x.shape[2], x.shape[3]) for x in maps]
        tokens = torch.cat([x.flatten(2).transpose(1, 2) for x in maps], dim=1)
        codes = [sine_positions(*shape, self.width, tokens.device) for shape in shapes]
        positions = torch.cat([code + own for code, own in zip(codes, level, strict=True)])
        for layer in self.within:
            tokens = layer(tokens, positions, shapes)
        count8 = shapes[0][0] * shapes[0][1]
        own8, own16 = tokens[:, :count8], tokens[:, count8:]
        together = own16.reshape(-1, frames * own16.shape[1], self.width)
        together = between(together, codes[1].repeat(frames, 1))
        own16 = together.reshape(own16.shape)
        return [x.transpose(1, 2).unflatten(2, shape) for x, shape in zip((own8, own16), shapes, strict=True)]


class DeformableLayer(nn.Module):
    """Deformable attention and a feed-forward part, each with its norm behind it."""

    def __init__(self, width: int, *, heads: int, points: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.attention = DeformableAttention(width, heads=heads, levels=LEVELS, points=points)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.feed = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(inplace=True), nn.Dropout(dropout), nn.Linear(hidden, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, positions: Tensor, shapes: list[Shape]) -> Tensor:
        """Tokens (N, S, C) and their positions (S, C) to tokens (N, S, C)."""
        seen = self.attention(tokens + positions, tokens, shapes)
        tokens = self.norm1(tokens + self.dropout(seen))
        return torch.as_tensor(self.norm2(tokens + self.dropout(self.feed(tokens))))


class FrameAttention(nn.Module):
    """Attention among the tokens of all frames and a feed-forward part, each with its norm before it."""

    def __init__(self, width: int, *, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.output = nn.Linear(width, width), nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Tokens (B, S, C) and their places in their own frames (S, C) to tokens (B, S, C)."""
        plain = self.norm1(tokens)
        placed = plain + positions
        q, k, v = (
            x.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for x in (self.query(placed), self.key(placed), self.value(plain))
        )
        seen = F.scaled_dot_product_attention(q, k, v)
        tokens = tokens + self.output(seen.transpose(1, 2).flatten(2))
        return torch.as_tensor(tokens + self.feed(self.norm2(tokens)))


def _convolution(width: int, groups: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1, bias=False), nn.GroupNorm(groups, width), nn.ReLU(inplace=True)
    )
