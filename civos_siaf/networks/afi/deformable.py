"""Attention to a few learned places around a token, on several levels.

Source: docs/specification/siaf.md section 4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Shape = tuple[int, int]
"""Rows and columns of a level."""


class DeformableAttention(nn.Module):
    """Multi-scale deformable attention, as in the encoder of Deformable DETR.

    Args:
        width: channels of tokens.
        heads: they divide the width.
        levels: feature maps of different size.
        points: places looked at per head and level.
    """

    def __init__(self, width: int, *, heads: int = 8, levels: int = 2, points: int = 4) -> None:
        super().__init__()
        self.heads, self.levels, self.points = heads, levels, points
        self.offsets = nn.Linear(width, heads * levels * points * 2)
        self.weights = nn.Linear(width, heads * levels * points)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self._init()

    def forward(self, queries: Tensor, tokens: Tensor, shapes: Sequence[Shape]) -> Tensor:
        """What the tokens see of each other.

        Args:
            queries: (N, S, C), with positions.
            tokens: (N, S, C), of all levels one after the other, row by row.
            shapes: (h, w) of each level.

        Returns:
            (N, S, C).
        """
        images, count, width = tokens.shape
        kinds = (images, count, self.heads, self.levels, self.points)
        # Half precision cannot tell neighbouring places of a large map apart.
        offsets = self.offsets(queries).float().view(*kinds, 2)
        weights = self.weights(queries).float().view(images, count, self.heads, -1).softmax(-1).view(kinds)
        references = reference_points(shapes, tokens.device)[None, :, None, None]
        values = self.value(tokens).float().view(images, count, self.heads, -1)
        total: Tensor | None = None
        start = 0
        for level, (rows, columns) in enumerate(shapes):
            size = offsets.new_tensor([columns, rows])
            grid = 2 * (references + offsets[:, :, :, level] / size) - 1
            own = values[:, start : start + rows * columns].permute(0, 2, 3, 1)
            seen = F.grid_sample(
                own.reshape(images * self.heads, -1, rows, columns),
                grid.transpose(1, 2).flatten(0, 1),
                padding_mode="zeros",
                align_corners=False,
            )
            share = weights[:, :, :, level].transpose(1, 2).flatten(0, 1)[:, None]
            part = (seen * share).sum(-1)
            total = part if total is None else total + part
            start += rows * columns
        assert total is not None
        return torch.as_tensor(self.output(total.view(images, width, count).transpose(1, 2)))

    def _init(self) -> None:
        """Heads look into different directions, farther with every point, and at all places alike."""
        nn.init.zeros_(self.offsets.weight)
        angle = torch.arange(self.heads) * (2 * math.pi / self.heads)
        direction = torch.stack([angle.cos(), angle.sin()], dim=-1)
        direction = direction / direction.abs().amax(dim=-1, keepdim=True)
        reach = torch.arange(1, self.points + 1)[:, None]
        places = (direction[:, None, None] * reach).expand(-1, self.levels, -1, -1)
        with torch.no_grad():
            self.offsets.bias.copy_(places.flatten())
        nn.init.zeros_(self.weights.weight)
        nn.init.zeros_(self.weights.bias)
        for linear in (self.value, self.output):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)


def reference_points(shapes: Sequence[Shape], device: torch.device) -> Tensor:
    """(S, 2): centres (x, y) of all tokens of all levels, in parts of the picture.

    >>> reference_points([(1, 2)], torch.device("cpu")).tolist()
    [[0.25, 0.5], [0.75, 0.5]]
    """
    found = []
    for rows, columns in shapes:
        y = (torch.arange(rows, device=device) + 0.5) / rows
        x = (torch.arange(columns, device=device) + 0.5) / columns
        found.append(torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).flatten(0, 1))
    return torch.cat(found)
