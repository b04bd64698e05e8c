"""Difference-aware fusion: a round's masks and the older ones become one.

Source: docs/specification/mivos.md section 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from civos_siaf.networks.aggregate import aggregate
from civos_siaf.networks.memory_read import transfer
from civos_siaf.networks.propagation_network import Memory


class FusionNetwork(Protocol):
    """Takes the part of `networks.mask_fusion.MaskFusion`."""

    def __call__(
        self, image: Tensor, previous: Tensor, current: Tensor, *, attention: Tensor, n_c: float, n_r: float
    ) -> Tensor:
        """Logits (K, 1, H, W); see `MaskFusion.forward`."""


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """What an interaction changed on its frame.

    Attributes:
        key: memory key (G, C_k, h, w) of this interaction.
        maps: (K, 2, h, w): what was added, and what was removed, per position.
    """

    key: Tensor
    maps: Tensor

    @classmethod
    def between(cls, old: Tensor, new: Tensor, memory: Memory) -> Difference:
        """From probabilities (K, H', W') before and after, and what the frame left in memory."""
        change = new - old
        maps = torch.stack([change.clamp(0, 1), (-change).clamp(0, 1)], dim=1)
        return cls(memory.key, F.interpolate(maps, size=memory.key.shape[2:], mode="area"))

    def attention(self, key: Tensor, size: tuple[int, int]) -> Tensor:
        """The change as it would look on a frame with this key (1, C_k, h, w): (K, 2, H', W')."""
        carried = transfer(self.key, key, self.maps)
        return F.interpolate(carried, size=size, mode="bilinear", align_corners=False)


def fuse(
    network: FusionNetwork,
    image: Tensor,
    previous: Tensor,
    current: Tensor,
    *,
    attention: Tensor,
    distances: tuple[float, float],
) -> Tensor:
    """Fused probabilities (K+1, H', W').

    Args:
        network: the fusion network.
        image: (1, 3, H', W'), normalised.
        previous: probabilities (K+1, H', W') stored for the frame.
        current: those of this round.
        attention: (K, 2, H', W').
        distances: (n_c, n_r), see `Sweep.distances`.
    """
    logits = network(
        image,
        previous[1:, None],
        current[1:, None],
        attention=attention,
        n_c=distances[0],
        n_r=distances[1],
    )
    return aggregate(logits[:, 0].float().sigmoid())
