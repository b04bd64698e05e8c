"""The frames of a video as networks want them: normalised and padded."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from civos_siaf.frames import Frames, Rgb
from civos_siaf.networks.imagenet import normalize
from civos_siaf.padding import Padding


class Images(ABC):
    """Frames as normalised tensors of the size that a network takes; the last one asked for is kept.

    Args:
        frames: the video.
        device: where the tensors are wanted.
    """

    def __init__(self, frames: Frames, device: torch.device) -> None:
        self.frames = frames
        self.device = device
        self._last: tuple[int, Tensor] | None = None

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> Tensor:
        """(1, 3, H', W')."""
        if self._last is None or self._last[0] != index:
            self._last = index, self.prepared(self.frames[index])[None]
        return self._last[1]

    @abstractmethod
    def prepared(self, frame: Rgb) -> Tensor:
        """A frame (H, W, 3) as (3, H', W')."""


class FrameImages(Images):
    """Padded frames.

    Args:
        frames: the video.
        padding: for its size.
        device: where the tensors are wanted.
    """

    def __init__(self, frames: Frames, padding: Padding, device: torch.device) -> None:
        super().__init__(frames, device)
        self.padding = padding

    def prepared(self, frame: Rgb) -> Tensor:
        """See `Images`; zero, the mean colour, where padded."""
        pixels = torch.tensor(frame).to(self.device)
        return self.padding.pad(normalize(pixels.permute(2, 0, 1).float() / 255))
