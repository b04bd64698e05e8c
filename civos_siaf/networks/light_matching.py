"""Attention over the positions of several frames, whose weights all identities share."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HEADS = 2
"""One matches by the distance of keys, the other by a learned product and by how near positions are."""
ROWS = 512
"""Queries that are matched at a time, so that memory grows with the frames and not with their square."""
LEAST = 1e-9


class Matching(nn.Module):
    """Which positions look alike, in all frames.

    Args:
        features: channels of what keys are made of.
        context: channels of what is known of a position from its surroundings.
        channels: of the keys.
    """

    def __init__(self, features: int, context: int, channels: int) -> None:
        super().__init__()
        self.point = nn.Conv2d(features, channels, 3, padding=1)
        self.query, self.key = nn.Conv2d(context, channels, 1), nn.Conv2d(context, channels, 1)
        # Natural logarithms of what a squared distance of keys counts: where something is known, everywhere.
        # Keys that come from a propagation network are made for frames that are nearly alike.
        self.sharpness = nn.Parameter(torch.tensor([0.02, 0.05]).log())
        # Per head: what the squared distance within a frame takes off, in heights of the map.
        self.near = nn.Parameter(torch.tensor([2.0, 20.0]))
        # Natural logarithm of how much more a marked position tells than one with a previous mask.
        self.emphasis = nn.Parameter(torch.tensor(3.0))
        # Per head: what a match has to surpass, or nothing is read.
        self.nothing = nn.Parameter(torch.tensor([-12.0, -6.0]))

    def forward(self, features: Tensor, context: Tensor, *, groups: int) -> Attention:
        """Attention among the T frames of each group.

        Args:
            features: (G * T, C, h, w), h and w even.
            context: (G * T, C', h, w).
            groups: G; 1 serves any batch.
        """
        with torch.autocast(features.device.type, enabled=False):
            point = self.point(features.float())
            query, key = self.query(context.float()), self.key(context.float())
            query = query * query.shape[1] ** -0.5
            scale = self.sharpness.exp()
            fine = [scale[0] * self._keys(point), key]
            coarse = [scale[1] * self._keys(F.avg_pool2d(point, 2)), F.avg_pool2d(key, 2)]
            length = point.square().sum(dim=1, keepdim=True)
            queries = [torch.cat([point, length, torch.ones_like(length)], dim=1), query]
            near = self.near.clamp(min=0)
            asked = [self._placed(x, groups, near[i], asking=True) for i, x in enumerate(queries)]
            known = [
                [self._placed(x, groups, near[i]) for i, x in enumerate(keys)] for keys in (fine, coarse)
            ]
        return Attention(asked, known[0], known[1], self.nothing, self.emphasis)

    @staticmethod
    def _keys(point: Tensor) -> Tensor:
        """With a query's point, length and 1 the product is the negative squared distance."""
        length = point.square().sum(dim=1, keepdim=True)
        return torch.cat([2 * point, -torch.ones_like(length), -length], dim=1)

    @staticmethod
    def _placed(x: Tensor, groups: int, near: Tensor, *, asking: bool = False) -> Tensor:
        """(G * T, C, h, w) to (G, T * n, C + 4 T), where places in the same frame take their distance off."""
        count, _, height, width = x.shape
        frames = count // groups
        y = (torch.arange(height, device=x.device) + 0.5)[:, None].expand(height, width) / height
        x_ = (torch.arange(width, device=x.device) + 0.5)[None].expand(height, width) / height
        square, one = y**2 + x_**2, torch.ones_like(y)
        place = torch.stack([2 * y, 2 * x_, -square, -one] if asking else [y, x_, one, square]).flatten(1).T
        place = near * place if asking else place
        own = torch.eye(frames, device=x.device, dtype=x.dtype)
        blocks = torch.einsum("tu,nc->tnuc", own, place.to(x.dtype)).flatten(2).flatten(0, 1)
        tokens = x.view(groups, frames, x.shape[1], -1).permute(0, 1, 3, 2).flatten(1, 2)
        return torch.cat([tokens, blocks.expand(groups, -1, -1)], dim=2)


class Attention:
    """Reads from the positions of T frames, in float32.

    Args:
        queries: (G, T * n, C) of each head.
        keys: as many.
        coarse_keys: of half the resolution, (G, T * n / 4, C).
        nothing: (heads,), see `Matching`.
        emphasis: see `Matching`.
    """

    def __init__(
        self,
        queries: list[Tensor],
        keys: list[Tensor],
        coarse_keys: list[Tensor],
        nothing: Tensor,
        emphasis: Tensor,
    ) -> None:
        self.queries, self.keys, self.coarse_keys = queries, keys, coarse_keys
        self.nothing, self.emphasis = nothing, emphasis

    def where_known(self, values: Tensor, marked: Tensor, known: Tensor) -> Tensor:
        """Read from positions with marks or a previous mask; what is missing from 1 matched nothing.

        Args:
            values: (B, T, C, D, h, w).
            marked: (B, T, h, w), 0 to 1.
            known: (B, T, h, w), 0 to 1.

        Returns:
            (B, T, C, heads * D, h, w).
        """
        tells = (marked * self.emphasis.exp() + known).flatten(1).float()
        flat, keys = _tokens(values), self.keys
        if len(tells) == 1 and not torch.is_grad_enabled():
            # The rest has no weight.
            chosen = tells[0].nonzero()[:, 0]
            tells, flat = tells[:, chosen], flat[:, chosen]
            keys = [key[:, chosen] for key in keys]
        return self._read(flat, keys, tells.clamp(min=LEAST).log(), values.shape)

    def everywhere(self, values: Tensor) -> Tensor:
        """Read from all positions, at half the resolution; shapes as above."""
        small = F.avg_pool2d(values.flatten(0, 2), 2)
        return self._read(
            _tokens(small.view(*values.shape[:4], *small.shape[2:])), self.coarse_keys, None, values.shape
        )

    def _read(self, flat: Tensor, keys: list[Tensor], bias: Tensor | None, shape: torch.Size) -> Tensor:
        batch, frames, classes, depth, *size = shape
        with torch.autocast(flat.device.type, enabled=False):
            heads = [
                self._head(query, key, flat, bias, nothing)
                for query, key, nothing in zip(self.queries, keys, self.nothing, strict=True)
            ]
        joined = torch.stack(heads, dim=2).view(batch, frames, *size, len(heads), classes, depth)
        return joined.permute(0, 1, 5, 4, 6, 2, 3).flatten(3, 4)

    @staticmethod
    def _head(query: Tensor, key: Tensor, values: Tensor, bias: Tensor | None, nothing: Tensor) -> Tensor:
        rows = []
        for start in range(0, query.shape[1], ROWS):
            logits = query[:, start : start + ROWS] @ key.transpose(1, 2)
            if bias is not None:
                rest = nothing.expand(len(bias), logits.shape[1], 1)
                logits = torch.cat([logits + bias[:, None], rest], dim=2)
            share = logits.softmax(dim=2)
            rows.append(share[..., : key.shape[1]] @ values)
        return torch.cat(rows, dim=1)


def _tokens(values: Tensor) -> Tensor:
    """(B, T, C, D, h, w) to (B, T * n, C * D)."""
    return values.float().permute(0, 1, 4, 5, 2, 3).flatten(4).flatten(1, 3)
