"""What a network offers that segments several frames of a video together (SIAF's AFI)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from torch import Tensor, nn


class FramesNetwork(Protocol):
    """Images, strokes and previous masks of T frames to masks of ten objects; see `networks.afi`."""

    @property
    def stride(self) -> int:
        """Sides of images are multiples of it."""

    @property
    def any_number(self) -> bool:
        """Whether it takes any number of identities in place of eleven."""

    def quarter(self, images: Tensor, marks: Tensor, previous: Tensor) -> Tensor:
        """Logits (B, T, 11, H/4, W/4), index 0 = background, those of unused identities too.

        Args:
            images: (B or 1, T, 3, H, W), normalised.
            marks: (B, T, 11, H, W), 0 or 1; channel 0 holds negative strokes.
            previous: (B, T, 11, H, W), one-hot; zero where unknown.
        """

    def parameters(self) -> Iterator[nn.Parameter]:
        """Its weights."""
