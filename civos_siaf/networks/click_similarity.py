"""How much every place of an image looks like the places that were clicked."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = 4
"""Maps per image: likeness to positive clicks, to negative ones, to the previous mask, and to its outside."""


class ClickSimilarity(nn.Module):
    """Cosine similarity of features to those under the clicks, the closest click of each sign counting.

    A convolutional decoder sees a click's surroundings only; this shows it the whole object, and whatever
    else looks alike, in one step.

    Args:
        features: channels of the features that are compared.
        channels: of the space in which they are compared.
    """

    def __init__(self, features: int, channels: int = 32) -> None:
        super().__init__()
        self.project = nn.Conv2d(features, channels, 1)

    def forward(self, features: Tensor, coords: Tensor) -> Tensor:
        """Similarity maps.

        Args:
            features: (B, C, h, w).
            coords: (B, 3, h, w) in [0, 1]: previous mask, positive and negative clicks.

        Returns:
            (B, 4, h, w) in [-1, 1]; 0 where there is no click of a sign, or no previous mask.
        """
        size = features.shape[2:]
        with torch.autocast(features.device.type, enabled=False):
            rows = F.normalize(self.project(features.float()).flatten(2), dim=1)
            maps = coords.float().flatten(2)
            alike = rows.transpose(1, 2) @ rows
            nearest = [_nearest(alike, maps[:, sign] > 0.5) for sign in (1, 2)]
            inside = maps[:, 0]
            means = [_mean(rows, weight) for weight in (inside, 1 - inside)]
            has_mask = (inside.amax(dim=1, keepdim=True) > 0.5).float()
            maps_out = torch.stack([*nearest, *(mean * has_mask for mean in means)], dim=1)
        return maps_out.view(len(features), CHANNELS, *size)


def _nearest(alike: Tensor, clicked: Tensor) -> Tensor:
    """(B, n, n) and (B, n) bool to the greatest similarity to a clicked place, (B, n); 0 without any."""
    masked = alike.masked_fill(~clicked[:, None], -1.0).amax(dim=2)
    return torch.where(clicked.any(dim=1, keepdim=True), masked, torch.zeros_like(masked))


def _mean(rows: Tensor, weight: Tensor) -> Tensor:
    """Similarity (B, n) of rows (B, C, n) to their mean by weights (B, n)."""
    mean = (rows * weight[:, None]).sum(dim=2) / weight.sum(dim=1, keepdim=True).clamp(min=1e-3)
    return torch.einsum("bcn,bc->bn", rows, F.normalize(mean, dim=1))
