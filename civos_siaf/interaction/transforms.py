"""Steps between an image and the network's view of it, each with its way back (RITM spec 8.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

from civos_siaf.prompts import Click

Clicks: TypeAlias = tuple[Click, ...]


class Transform(Protocol):
    """One step; `inverse` undoes the last `forward` on the network's answer."""

    changed: bool
    """Whether the last `forward` cut another region than the one before."""

    def forward(self, image: Tensor, clicks: Sequence[Clicks]) -> tuple[Tensor, list[Clicks]]:
        """Image (B, C, H, W) and the clicks of each of its B items."""

    def inverse(self, maps: Tensor) -> Tensor:
        """Logits or probabilities (B, 1, h, w) back to what came before `forward`."""

    def reset(self) -> None:
        """Forget everything about the last image."""

    def snapshot(self) -> object:
        """The state, to come back to."""

    def restore(self, state: object) -> None:
        """Come back to a state of `snapshot`."""


class _Stateless:
    changed = False

    def reset(self) -> None:
        """Nothing to forget."""

    def snapshot(self) -> object:
        """Nothing to keep."""
        return None

    def restore(self, state: object) -> None:
        """Nothing to come back to."""


class Sigmoid(_Stateless):
    """Logits of the network become probabilities on the way back."""

    def forward(self, image: Tensor, clicks: Sequence[Clicks]) -> tuple[Tensor, list[Clicks]]:
        """No change."""
        return image, list(clicks)

    def inverse(self, maps: Tensor) -> Tensor:
        """(B, 1, h, w) logits to probabilities."""
        return maps.sigmoid()


class HorizontalFlip(_Stateless):
    """The image and its mirror image side by side; their answers are averaged."""

    def forward(self, image: Tensor, clicks: Sequence[Clicks]) -> tuple[Tensor, list[Clicks]]:
        """(B, C, H, W) to (2B, C, H, W), the mirrored ones last."""
        width = image.shape[3]
        mirrored = [tuple(replace(click, x=width - 1 - click.x) for click in row) for row in clicks]
        return torch.cat([image, image.flip(3)]), [*clicks, *mirrored]

    def inverse(self, maps: Tensor) -> Tensor:
        """(2B, 1, h, w) to (B, 1, h, w)."""
        plain, mirrored = maps.chunk(2)
        return 0.5 * (plain + mirrored.flip(3))
