"""Padding to sides that a network's stride divides (docs/specification/mivos.md section 1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Padding:
    """Zeros around an image: the smaller half to the left and top.

    >>> padding = Padding.to_multiple(91, 137, 16)
    >>> padding, padding.size
    (Padding(height=91, width=137, left=3, right=4, top=2, bottom=3), (96, 144))
    """

    height: int
    width: int
    left: int
    right: int
    top: int
    bottom: int

    @classmethod
    def to_multiple(cls, height: int, width: int, multiple: int) -> Padding:
        """The padding of images of a size (H, W)."""
        rows, columns = -height % multiple, -width % multiple
        return cls(height, width, columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)

    @property
    def size(self) -> tuple[int, int]:
        """(H', W') of a padded image."""
        return self.height + self.top + self.bottom, self.width + self.left + self.right

    def pad(self, x: Tensor, value: float = 0.0) -> Tensor:
        """(..., H, W) to (..., H', W').

        Raises:
            ValueError: another size.
        """
        if tuple(x.shape[-2:]) != (self.height, self.width):
            raise ValueError(f"expected size {(self.height, self.width)}, got {tuple(x.shape[-2:])}")
        return F.pad(x, (self.left, self.right, self.top, self.bottom), value=value)

    def crop(self, x: Tensor) -> Tensor:
        """(..., H', W') to (..., H, W), a view."""
        return x[..., self.top : self.top + self.height, self.left : self.left + self.width]
