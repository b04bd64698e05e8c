"""Attention to a window around every position, in forms of equal results and unequal speed.

Source: docs/specification/aot.md section 7.4.

All forms take the same arguments: queries, already divided by the root of the head size, (B, G, n, D); keys
(B, G, n, D); values (E, G, n, D), where a batch of 1 serves all of the other; the logits' dependence on
displacement, for these queries: `weight` (G, D, R) and `bias` (G, R); what displacements add to values,
`embedding` (G, R, D); and the size (h, w) of the map. R = (2 * radius + 1)^2 displacements, row by row. They
return (E or B, G, n, D).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

Form: TypeAlias = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, tuple[int, int]], Tensor]
TILE = (4, 6)
"""Rows and columns of queries that are matched together in the tiled form (measured)."""


def unfolded(
    q: Tensor, k: Tensor, v: Tensor, weight: Tensor, bias: Tensor, embedding: Tensor, size: tuple[int, int]
) -> Tensor:
    """Every query's window is copied out. Simple, and 225 times the memory of the keys."""
    radius = _radius(bias)

    def windows(x: Tensor) -> Tensor:
        batch, groups, _, depth = x.shape
        maps = x.transpose(2, 3).reshape(batch * groups, depth, *size)
        return F.unfold(maps, 2 * radius + 1, padding=radius).view(batch, groups, depth, -1, x.shape[2])

    logits = torch.einsum("bgnd,bgdrn->bgnr", q, windows(k)) + q @ weight + bias[:, None]
    share = _masked(logits, size, radius).softmax(dim=-1)
    return torch.einsum("bgnr,bgdrn->bgnd", share, windows(v)) + share @ embedding


def shifted(
    q: Tensor, k: Tensor, v: Tensor, weight: Tensor, bias: Tensor, embedding: Tensor, size: tuple[int, int]
) -> Tensor:
    """One displacement after the other, each a product of whole maps."""
    radius = _radius(bias)
    (height, width), span = size, range(2 * radius + 1)
    padded_k, padded_v = (F.pad(_grid(x, size), (0, 0, radius, radius, radius, radius)) for x in (k, v))
    grid = _grid(q, size)
    logits = torch.stack(
        [(grid * padded_k[:, :, y : y + height, x : x + width]).sum(dim=-1) for y in span for x in span],
        dim=-1,
    ).flatten(2, 3)
    logits = logits + q @ weight + bias[:, None]
    share = _masked(logits, size, radius).softmax(dim=-1)
    out = _grid(share @ embedding, size).expand(max(len(q), len(v)), -1, -1, -1, -1).clone()
    maps = _grid(share, size)
    for r, (y, x) in enumerate((y, x) for y in span for x in span):
        out += maps[..., r, None] * padded_v[:, :, y : y + height, x : x + width]
    return out.flatten(2, 3)


def masked(
    q: Tensor, k: Tensor, v: Tensor, weight: Tensor, bias: Tensor, embedding: Tensor, size: tuple[int, int]
) -> Tensor:
    """Attention to the whole map through PyTorch's kernel, with a mask that is open in the window.

    What displacements add to the values needs the shares, which the kernel does not tell: they are computed
    a second time.
    """
    radius = _radius(bias)
    index, valid = _positions(size, radius, q.device)
    relative = q @ weight + bias[:, None]
    everywhere = index.expand(*relative.shape[:2], -1, -1)
    # One column more, for positions outside the map.
    mask = relative.new_full((*relative.shape[:-1], q.shape[2] + 1), -math.inf)
    mask = mask.scatter(-1, everywhere.masked_fill(~valid, q.shape[2]), relative)[..., :-1]
    count = max(len(q), len(v))
    spread_q, spread_k, spread_v, mask = (x.expand(count, -1, -1, -1) for x in (q, k, v, mask))
    out = F.scaled_dot_product_attention(spread_q, spread_k, spread_v, mask, scale=1.0)
    logits = (q @ k.transpose(-1, -2)).gather(-1, everywhere) + relative
    return out + logits.masked_fill(~valid, -math.inf).softmax(dim=-1) @ embedding


def tiled(
    q: Tensor, k: Tensor, v: Tensor, weight: Tensor, bias: Tensor, embedding: Tensor, size: tuple[int, int]
) -> Tensor:
    """Tiles of queries are matched with all keys that any of them reaches.

    A query's window is then a strided view of its tile's logits: nothing is gathered. On CPUs one head goes
    after the other, so that its tiles stay in the cache.
    """
    if q.device.type != "cpu":
        return _tiled(q, k, v, weight, bias, embedding, size, TILE)
    if len(q) == len(k) == len(v) > 1:
        rows = [slice(i, i + 1) for i in range(len(q))]
        return torch.cat([tiled(q[i], k[i], v[i], weight, bias, embedding, size) for i in rows])
    heads = []
    for g in range(q.shape[1]):
        one = slice(g, g + 1)
        parts = (q[:, one], k[:, one], v[:, one], weight[one], bias[one], embedding[one])
        heads.append(_tiled(*parts, size, TILE))
    return torch.cat(heads, dim=1)


FORMS: dict[str, Form] = {"unfolded": unfolded, "shifted": shifted, "masked": masked, "tiled": tiled}
"""The forms by name."""


def _tiled(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    weight: Tensor,
    bias: Tensor,
    embedding: Tensor,
    size: tuple[int, int],
    tile: tuple[int, int],
) -> Tensor:
    radius = _radius(bias)
    queries = _tiles(q, size, tile)
    reach = tuple(side + 2 * radius for side in tile)
    logits = queries @ _reached(k, size, tile, radius).transpose(-1, -2)
    relative = queries @ weight[:, None, None] + bias[:, None, None, None]
    relative = relative + _tile_mask(size, tile, radius, q.device, q.dtype)
    span = 2 * radius + 1
    shape = (*logits.shape[:-2], *tile, span, span)
    row = math.prod(reach)
    strides = (*logits.stride()[:-2], tile[1] * row + reach[1], row + 1, reach[1], 1)
    share = (logits.as_strided(shape, strides) + relative.view(shape)).flatten(-2).softmax(dim=-1)
    spread = torch.zeros_like(logits)
    spread.as_strided(shape, strides).copy_(share.view(shape))
    out = spread @ _reached(v, size, tile, radius)
    out = out + share.flatten(-3, -2) @ embedding[:, None, None]
    return _untiled(out, size, tile)


def _grid(x: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, G, n, D) to (B, G, h, w, D)."""
    return x.view(*x.shape[:2], *size, x.shape[3])


def _radius(bias: Tensor) -> int:
    return (math.isqrt(bias.shape[-1]) - 1) // 2


def _masked(logits: Tensor, size: tuple[int, int], radius: int) -> Tensor:
    _, valid = _positions(size, radius, logits.device)
    return logits.masked_fill(~valid, -math.inf)


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def _positions(size: tuple[int, int], radius: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """For every query and displacement the key's number (n, R), any where invalid, and validity."""
    shift = torch.arange(-radius, radius + 1, device=device)
    rows = torch.arange(size[0], device=device)[:, None, None, None] + shift[:, None]
    columns = torch.arange(size[1], device=device)[:, None, None] + shift
    valid = (rows >= 0) & (rows < size[0]) & (columns >= 0) & (columns < size[1])
    index = rows.clamp(0, size[0] - 1) * size[1] + columns.clamp(0, size[1] - 1)
    return index.flatten(2).flatten(0, 1), valid.flatten(2).flatten(0, 1)


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def _tile_mask(
    size: tuple[int, int], tile: tuple[int, int], radius: int, device: torch.device, dtype: torch.dtype
) -> Tensor:
    """(rows, columns, tile, R) of tiles: minus infinity outside the map, 0 for queries that do not exist."""
    _, valid = _positions(size, radius, device)
    outside = torch.zeros(valid.shape, device=device, dtype=dtype).masked_fill(~valid, -math.inf)
    return _tiles(outside[None, None], size, tile)[0, 0]


def _tiles(x: Tensor, size: tuple[int, int], tile: tuple[int, int]) -> Tensor:
    """(B, G, n, D) to (B, G, rows, columns, positions of a tile, D), filled up with zeros."""
    below, right = (-side % step for side, step in zip(size, tile, strict=True))
    x = F.pad(_grid(x, size), (0, 0, 0, right, 0, below))
    batch, heads, height, width, depth = x.shape
    x = x.view(batch, heads, height // tile[0], tile[0], width // tile[1], tile[1], depth)
    return x.transpose(3, 4).flatten(4, 5)


def _untiled(x: Tensor, size: tuple[int, int], tile: tuple[int, int]) -> Tensor:
    """The inverse of `_tiles`."""
    batch, heads, rows, columns, _, depth = x.shape
    x = x.view(batch, heads, rows, columns, *tile, depth).transpose(3, 4).flatten(4, 5).flatten(2, 3)
    return x[:, :, : size[0], : size[1]].flatten(2, 3)


def _reached(x: Tensor, size: tuple[int, int], tile: tuple[int, int], radius: int) -> Tensor:
    """(B, G, n, D) to (B, G, rows, columns, positions that a tile reaches, D)."""
    below, right = (-side % step + radius for side, step in zip(size, tile, strict=True))
    x = F.pad(_grid(x, size), (0, 0, radius, right, radius, below))
    for axis, step in enumerate(tile):
        x = x.unfold(2 + axis, step + 2 * radius, step)
    # (B, G, rows, columns, D, height, width)
    return x.permute(0, 1, 2, 3, 5, 6, 4).flatten(4, 5)
