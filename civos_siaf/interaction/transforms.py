"""Steps between an image and the network's view of it, each with its way back.

Source: docs/specification/ritm.md sections 8.2 to 8.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol, TypeAlias

import torch
from torch import Tensor

from civos_siaf.prompts import Click


class Roi(NamedTuple):
    """Rows top..bottom and columns left..right, all inclusive."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.bottom - self.top + 1, self.right - self.left + 1

    @classmethod
    def whole(cls, size: tuple[int, int]) -> Roi:
        """Everything of an image with (rows, columns)."""
        return cls(0, size[0] - 1, 0, size[1] - 1)

    @classmethod
    def around(cls, mask: Tensor) -> Roi:
        """The bounding box of a mask (H, W) that is not empty."""
        rows, columns = torch.nonzero(mask, as_tuple=True)
        return cls(int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max()))

    def expand(self, ratio: float, min_size: float | None = None) -> Roi:
        """Scale about the centre, to at least `min_size` per side; bounds are rounded half to even."""
        return Roi(
            *_expand_interval(self.top, self.bottom, ratio, min_size),
            *_expand_interval(self.left, self.right, ratio, min_size),
        )

    def clamp(self, size: tuple[int, int]) -> Roi:
        """The part inside an image with (rows, columns)."""
        return Roi(
            max(self.top, 0), min(self.bottom, size[0] - 1), max(self.left, 0), min(self.right, size[1] - 1)
        )

    def iou(self, other: Roi) -> float:
        """Product of the overlaps of the row intervals and of the column intervals, in [0, 1]."""
        rows = _interval_iou((self.top, self.bottom), (other.top, other.bottom))
        return rows * _interval_iou((self.left, self.right), (other.left, other.right))

    def resized(self, target: int | tuple[int, int]) -> tuple[int, int]:
        """(rows, columns) after scaling the longer side to `target`, or `target` itself if it is a size."""
        if not isinstance(target, int):
            return target[0], target[1]
        scale = target / max(self.size)
        # A strip of an extreme shape keeps at least one pixel.
        return max(1, round(self.size[0] * scale)), max(1, round(self.size[1] * scale))


def _expand_interval(low: int, high: int, ratio: float, min_size: float | None) -> tuple[int, int]:
    centre = (low + high) / 2
    size = max(ratio * (high - low + 1), min_size or 0)
    return round(centre - size / 2), round(centre + size / 2)


def _interval_iou(a: tuple[int, int], b: tuple[int, int]) -> float:
    overlap = max(0, min(a[1], b[1]) - max(a[0], b[0]) + 1)
    return overlap / max(1e-5, max(a[1], b[1]) - min(a[0], b[0]) + 1)


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
