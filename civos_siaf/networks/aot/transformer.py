"""The long short-term transformer, with the names of its published weights.

Source: docs/specification/aot.md section 7.

Tokens are (B, n, C), row by row of a map of size (h, w). What is shared by objects has a batch of 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import StochasticDepth

from civos_siaf.networks.aot.local_attention import Form, tiled
from civos_siaf.networks.identity_network import FrameMemory, KeyValue, Seen

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


WIDTH = 256
HEADS = 8
DEPTH = WIDTH // HEADS
RADIUS = 7
HIDDEN = 1024
Size: TypeAlias = tuple[int, int]


class SelfAttention(nn.Module):
    """Multi-head attention of a frame to itself; positions enter queries and keys."""

    def __init__(self) -> None:
        super().__init__()
        self.linear_Q = nn.Linear(WIDTH, WIDTH)
        self.linear_K = nn.Linear(WIDTH, WIDTH)
        self.linear_V = nn.Linear(WIDTH, WIDTH)
        self.projection = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor, position: Tensor) -> Tensor:
        """(B, n, C) with positions (n, C)."""
        placed = x + position
        q, k, v = self.linear_Q(placed), self.linear_K(placed), self.linear_V(x)
        return torch.as_tensor(self.projection(joined(attend(heads(q), heads(k), heads(v)))))


class LongTermAttention(nn.Module):
    """Multi-head attention to all remembered frames; queries, keys and values come from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.projection = nn.Linear(WIDTH, WIDTH)

    def forward(self, q: Tensor, memory: KeyValue) -> Tensor:
        """Queries (B, 8, n, 32) to tokens (E, n, C)."""
        return torch.as_tensor(self.projection(joined(attend(q, *memory))))


class ShortTermAttention(nn.Module):
    """Multi-head attention to a window of 15x15 positions of the frame before.

    Args:
        form: how it is computed, one of `local_attention.FORMS`.
    """

    def __init__(self, form: Form = tiled) -> None:
        super().__init__()
        self.form = form
        displacements = (2 * RADIUS + 1) ** 2
        self.relative_emb_v = nn.Parameter(torch.zeros(HEADS, DEPTH, displacements))
        self.relative_emb_k = nn.Conv2d(WIDTH, HEADS * displacements, 1, groups=HEADS)
        self.projection = nn.Linear(WIDTH, WIDTH)

    def forward(self, q: Tensor, memory: KeyValue, size: Size) -> Tensor:
        """Queries (B, 8, n, 32) to tokens (E, n, C); the memory is of one frame."""
        root = math.sqrt(DEPTH)
        # The displacement's part of the logits takes the queries before they are divided.
        weight = self.relative_emb_k.weight.view(HEADS, -1, DEPTH).transpose(1, 2) * root
        bias = torch.as_tensor(self.relative_emb_k.bias).view(HEADS, -1)
        out = self.form(q / root, *memory, weight, bias, self.relative_emb_v.transpose(1, 2), size)
        return torch.as_tensor(self.projection(joined(out)))


class Activation(nn.Module):
    """Group norm over the whole map, GELU, and a depthwise 5x5 convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.gn = nn.GroupNorm(32, HIDDEN)
        self.conv = nn.Conv2d(HIDDEN, HIDDEN, 5, padding=2, groups=HIDDEN, bias=False)

    def forward(self, x: Tensor, size: Size) -> Tensor:
        """Tokens (E, n, 1024)."""
        y = self.conv(F.gelu(self.gn(as_map(x, size))))
        return torch.as_tensor(as_tokens(y))


class Block(nn.Module):
    """Self-attention, matching with both memories, and a convolutional feed-forward part.

    Args:
        drop_path: probability that a part is left out in training.
    """

    def __init__(self, *, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.linear_Q = nn.Linear(WIDTH, WIDTH)
        self.linear_V = nn.Linear(WIDTH, WIDTH)
        self.long_term_attn = LongTermAttention()
        self.short_term_attn = ShortTermAttention()
        self.norm2 = nn.LayerNorm(WIDTH)
        self.self_attn = SelfAttention()
        self.norm3 = nn.LayerNorm(WIDTH)
        self.linear1 = nn.Linear(WIDTH, HIDDEN)
        self.activation = Activation()
        self.linear2 = nn.Linear(HIDDEN, WIDTH)
        self.drop_path = StochasticDepth(drop_path, "row")

    def look(self, x: Tensor, position: Tensor) -> Tensor:
        """Self-attention: (B, n, C) with positions (n, C)."""
        return torch.as_tensor(x + self.drop_path(self.self_attn(self.norm1(x), position)))

    def see(self, x: Tensor) -> Seen:
        """Keys, and values without identities, of (B, n, C)."""
        y = self.norm2(x)
        return Seen(heads(self.linear_Q(y)), y)

    def remember(self, seen: Seen, identity: Tensor) -> KeyValue:
        """What was seen with an identity embedding (E, n, C)."""
        return KeyValue(seen.key, heads(self.linear_V(seen.tokens + identity)))

    def match(self, x: Tensor, seen: Seen, long: KeyValue, short: KeyValue, size: Size) -> Tensor:
        """(B, n, C) to (E, n, C) by both memories."""
        x = x + (self.long_term_attn(seen.key, long) + self.short_term_attn(seen.key, short, size))
        y = self.linear2(self.activation(self.linear1(self.norm3(x)), size))
        return torch.as_tensor(x + self.drop_path(y))


class Lstt(nn.Module):
    """The blocks in a row; what each puts out is normalised for the decoder.

    Args:
        layers: how many blocks.
        drop_path: see `Block`.
    """

    def __init__(self, layers: int, *, drop_path: float = 0.1) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Block(drop_path=drop_path) for _ in range(layers))
        self.decoder_norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(layers))
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        for block in self._blocks():
            nn.init.zeros_(block.short_term_attn.relative_emb_v)

    def look(self, x: Tensor, size: Size) -> Tensor:
        """The part that does not depend on masks: self-attention of the first block, (N, n, C)."""
        return self._blocks()[0].look(x, sine_positions(*size, WIDTH, x.device))

    def forward(
        self, x: Tensor, memory: Sequence[tuple[KeyValue, KeyValue]], size: Size
    ) -> tuple[list[Tensor], list[Seen]]:
        """Match a frame with long-term and short-term memories.

        Args:
            x: result of `look`, (B, n, C).
            memory: of each layer.
            size: of the map.

        Returns:
            Outputs (E, n, C) and what was seen, of each layer.
        """
        return self._run(x, size, lambda index, _: memory[index])

    def reference(self, x: Tensor, identity: Tensor, size: Size) -> tuple[list[Tensor], FrameMemory]:
        """Match a frame with itself, with an identity embedding (E, n, C); returns outputs and its memory."""
        memories = []

        def own(index: int, seen: Seen) -> tuple[KeyValue, KeyValue]:
            memories.append(self._blocks()[index].remember(seen, identity))
            return memories[-1], memories[-1]

        outputs, _ = self._run(x, size, own)
        return outputs, tuple(memories)

    def remember(self, seen: Sequence[Seen], identity: Tensor) -> FrameMemory:
        """What was seen of a frame, with an identity embedding (E, n, C) of its masks."""
        return tuple(block.remember(s, identity) for block, s in zip(self._blocks(), seen, strict=True))

    def _blocks(self) -> list[Block]:
        return [block for block in self.layers if isinstance(block, Block)]

    def _run(
        self, x: Tensor, size: Size, memory: Callable[[int, Seen], tuple[KeyValue, KeyValue]]
    ) -> tuple[list[Tensor], list[Seen]]:
        outputs, all_seen = [], []
        for index, (block, norm) in enumerate(zip(self._blocks(), self.decoder_norms, strict=True)):
            if index:
                x = block.look(x, sine_positions(*size, WIDTH, x.device))
            seen = block.see(x)
            x = block.match(x, seen, *memory(index, seen), size)
            outputs.append(norm(x))
            all_seen.append(seen)
        return outputs, all_seen


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention of (B, 8, n, 32) to keys (B, 8, m, 32) and values (E, 8, m, 32); a batch of 1 serves all."""
    count = max(len(q), len(v))
    q, k, v = (x.expand(count, -1, -1, -1) for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v)


def heads(x: Tensor) -> Tensor:
    """(B, n, C) to (B, 8, n, 32), a view."""
    return x.view(*x.shape[:2], HEADS, DEPTH).transpose(1, 2)


def joined(x: Tensor) -> Tensor:
    """(B, 8, n, 32) to (B, n, C)."""
    return x.transpose(1, 2).flatten(2)


def as_map(x: Tensor, size: Size) -> Tensor:
    """Tokens (B, n, C) to (B, C, h, w), a view in channels-last order."""
    return x.view(len(x), *size, -1).permute(0, 3, 1, 2)


def as_tokens(x: Tensor) -> Tensor:
    """(B, C, h, w) to tokens (B, n, C), a view."""
    return x.flatten(2).transpose(1, 2)
