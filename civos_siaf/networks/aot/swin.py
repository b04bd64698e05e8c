"""Swin-B as AOT uses it: three stages, each with its own norm at the end.

Source: docs/specification/aot.md section 3.3.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torchvision.ops import StochasticDepth

from civos_siaf.networks.aot.encoders import Encoder, Pyramid

PATCH = 4
WINDOW = 7
SHIFT = WINDOW // 2
DEPTHS = (2, 2, 18)
HEADS = (4, 8, 16)
WIDTH = 128
DROPPED_BLOCKS = 2
"""Blocks of the stage that was left out; they count in the schedule of stochastic depth."""
APART = -100.0


class SwinEncoder(Encoder):
    """Swin-B without its last stage. Maps inside are (B, H, W, C).

    Args:
        drop_path: probability that the last block (of the four stages) is left out in training.
    """

    channels = (128, 256, 512, 512)
    stem = ("patch_embed.", "layers.0.blocks.")

    def __init__(self, *, drop_path: float = 0.3) -> None:
        super().__init__()
        last = sum(DEPTHS) + DROPPED_BLOCKS - 1
        rates = [drop_path * i / last for i in range(last + 1)]
        self.patch_embed = PatchEmbed()
        self.layers = nn.ModuleList()
        for s, depth in enumerate(DEPTHS):
            # The first stage is frozen, and nothing is left out of it.
            own = [0.0] * depth if s == 0 else rates[:depth]
            rates = rates[depth:]
            self.layers.append(Stage(WIDTH * 2**s, HEADS[s], own, merge=s + 1 < len(DEPTHS)))
        self.norm0, self.norm1, self.norm2 = (nn.LayerNorm(WIDTH * 2**s) for s in range(len(DEPTHS)))
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, image: Tensor) -> Pyramid:
        """Normalised images (B, 3, H, W)."""
        x, found = self.patch_embed(image), []
        for layer, norm in zip(self.layers, (self.norm0, self.norm1, self.norm2), strict=True):
            own, x = layer(x)
            found.append(norm(own).permute(0, 3, 1, 2))
        f4, f8, f16 = found
        return Pyramid(f4, f8, f16, f16)


class PatchEmbed(nn.Module):
    """Patches of 4x4 pixels, padded with zeros to the right and below."""

    def __init__(self) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, WIDTH, PATCH, stride=PATCH)
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) to (B, H/4, W/4, 128)."""
        height, width = image.shape[-2:]
        x = self.proj(F.pad(image, (0, -width % PATCH, 0, -height % PATCH)))
        return torch.as_tensor(self.norm(x.permute(0, 2, 3, 1)))


class Stage(nn.Module):
    """Blocks whose windows are shifted every other time, then perhaps a merging of patches."""

    def __init__(self, channels: int, heads: int, drop_paths: list[float], *, merge: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            Block(channels, heads, shift=SHIFT * (i % 2), drop_path=rate) for i, rate in enumerate(drop_paths)
        )
        self.downsample = PatchMerging(channels) if merge else None

    def forward(self, x: Tensor, *, recompute: bool = False) -> tuple[Tensor, Tensor]:
        """(B, H, W, C) to the same and to what the next stage gets, (B, H/2, W/2, 2C).

        With `recompute` a backward pass keeps the blocks' inputs only, and runs each block once more.
        """
        apart = _apart(x.shape[1], x.shape[2], x.device, x.dtype)
        for block in self.blocks:
            x = checkpoint(block, x, apart, use_reentrant=False) if recompute else block(x, apart)
        return x, x if self.downsample is None else self.downsample(x)


class Block(nn.Module):
    """Attention inside windows, then two linear layers."""

    def __init__(self, channels: int, heads: int, *, shift: int, drop_path: float) -> None:
        super().__init__()
        self.shift = shift
        self.norm1 = nn.LayerNorm(channels)
        self.attn = WindowAttention(channels, heads)
        self.drop_path = StochasticDepth(drop_path, "row")
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels)

    def forward(self, x: Tensor, apart: Tensor) -> Tensor:
        """(B, H, W, C), and what `_apart` says for its size."""
        x = x + self.drop_path(self._windowed(self.norm1(x), apart))
        return torch.as_tensor(x + self.drop_path(self.mlp(self.norm2(x))))

    def _windowed(self, x: Tensor, apart: Tensor) -> Tensor:
        batch, height, width, channels = x.shape
        x = F.pad(x, (0, 0, 0, -width % WINDOW, 0, -height % WINDOW))
        rows, columns = x.shape[1] // WINDOW, x.shape[2] // WINDOW
        if self.shift:
            x = x.roll((-self.shift, -self.shift), dims=(1, 2))
        x = x.view(batch, rows, WINDOW, columns, WINDOW, channels).transpose(2, 3)
        windows = x.reshape(batch, rows * columns, WINDOW * WINDOW, channels)
        windows = self.attn(windows, apart if self.shift else None)
        x = windows.view(batch, rows, columns, WINDOW, WINDOW, channels).transpose(2, 3)
        x = x.reshape(batch, rows * WINDOW, columns * WINDOW, channels)
        if self.shift:
            x = x.roll((self.shift, self.shift), dims=(1, 2))
        return x[:, :height, :width]


class WindowAttention(nn.Module):
    """Attention among the tokens of a window, with a learned bias for each displacement."""

    relative_position_index: Tensor

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * WINDOW - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        # Follows from the size of the window: files have it, but it is not read from them.
        self.register_buffer("relative_position_index", _displacements(), persistent=False)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, x: Tensor, apart: Tensor | None) -> Tensor:
        """(B, W, 49, C) of W windows; `apart` (W, 1, 49, 49) is added to their logits."""
        batch, windows, tokens, channels = x.shape
        qkv = self.qkv(x).view(batch, windows, tokens, 3, self.heads, -1)
        q, k, v = (part.flatten(0, 1) for part in qkv.permute(3, 0, 1, 4, 2, 5))
        bias = self.relative_position_bias_table[self.relative_position_index.flatten()]
        bias = bias.view(1, tokens, tokens, self.heads).permute(0, 3, 1, 2).to(q.dtype)
        if apart is not None:
            bias = (bias + apart).repeat(batch, 1, 1, 1)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.contiguous())
        out = out.transpose(1, 2).reshape(batch, windows, tokens, channels)
        return torch.as_tensor(self.proj(out))


class Mlp(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, 4 * channels)
        self.fc2 = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(..., C)."""
        return torch.as_tensor(self.fc2(F.gelu(self.fc1(x))))


class PatchMerging(nn.Module):
    """Four neighbours become one token of twice the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)
        self.norm = nn.LayerNorm(4 * channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) to (B, H/2, W/2, 2C), odd sides padded with zeros."""
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        corners = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return torch.as_tensor(self.reduction(self.norm(torch.cat(corners, dim=-1))))


def _displacements() -> Tensor:
    """(49, 49): row of the bias table for every two positions of a window."""
    grid = torch.stack(torch.meshgrid(torch.arange(WINDOW), torch.arange(WINDOW), indexing="ij")).flatten(1)
    rows, columns = grid[:, :, None] - grid[:, None] + WINDOW - 1
    return torch.as_tensor(rows * (2 * WINDOW - 1) + columns)


def _apart(height: int, width: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(W, 1, 49, 49): -100 between tokens that only the cyclic shift brings into the same window."""
    rows, columns = (-(-side // WINDOW) * WINDOW for side in (height, width))
    region = torch.zeros(rows, columns, device=device)
    cuts = (slice(0, -WINDOW), slice(-WINDOW, -SHIFT), slice(-SHIFT, None))
    for i, vertical in enumerate(cuts):
        for j, horizontal in enumerate(cuts):
            region[vertical, horizontal] = 3 * i + j
    region = region.view(rows // WINDOW, WINDOW, columns // WINDOW, WINDOW).transpose(1, 2)
    region = region.reshape(-1, WINDOW * WINDOW)
    different = region[:, None, :] != region[:, :, None]
    return (different.to(dtype) * APART)[:, None]
