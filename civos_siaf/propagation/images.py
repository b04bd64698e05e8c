"""The frames of a video as networks want them: normalised, padded, or in the size of AOT.

Source: docs/specification/aot.md section 10.1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.networks.imagenet import normalize
from civos_siaf.networks.padding import Padding
from civos_siaf.video.frames import Frames, Rgb


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
        """A frame (H, W, 3) as (3, H', W'). Zero, the mean colour, where padded."""
        pixels = torch.tensor(frame).to(self.device)
        return self.padding.pad(normalize(pixels.permute(2, 0, 1).float() / 255))


STRIDE = 16
MAX_LONG = 1040
"""Longer sides are reduced to this: 1.3 times 800 pixels."""


def network_size(
    height: int,
    width: int,
    *,
    align_corners: bool,
    scale: float = 1.0,
    max_long: float = MAX_LONG,
    max_short: float | None = None,
) -> tuple[int, int]:
    """Sides (H', W') of an image for the network, 16k+1 with `align_corners`, otherwise 16k.

    Args:
        height: of the image.
        width: of the image.
        align_corners: see `IdentityNetwork`.
        scale: applied after the limits.
        max_long: limit of the longer side.
        max_short: limit of the shorter one, applied first.

    >>> network_size(480, 854, align_corners=True), network_size(480, 854, align_corners=False)
    ((481, 849), (480, 848))
    """
    sides: tuple[float, float] = (height, width)
    for limit, of in ((max_short, min), (max_long, max)):
        if limit is not None and of(sides) > limit:
            factor = limit / of(sides)
            sides = (sides[0] * factor, sides[1] * factor)
    rest = 1 if align_corners else 0
    # Half to even, and cut off before: as the original rounds.
    rows, columns = (STRIDE * max(1, round((int(side * scale) - rest) / STRIDE)) + rest for side in sides)
    return rows, columns


class AotImages(Images):
    """Frames in another size.

    Args:
        frames: the video.
        size: see `network_size`.
        device: where the tensors are wanted.
    """

    def __init__(self, frames: Frames, size: tuple[int, int], device: torch.device) -> None:
        super().__init__(frames, device)
        self.size = size

    def prepared(self, frame: Rgb) -> Tensor:
        """A frame (H, W, 3) as (3, H', W'). Bicubic, and not clipped to what pixels can be."""
        pixels: NDArray[Any] = frame.astype(np.float32)
        if pixels.shape[:2] != self.size:
            pixels = cv2.resize(pixels, self.size[::-1], interpolation=cv2.INTER_CUBIC)
        image = torch.from_numpy(np.ascontiguousarray(pixels)).to(self.device).permute(2, 0, 1)
        return normalize(image / 255)


def resize_labels(labels: Tensor, size: Sequence[int]) -> Tensor:
    """Labels (..., H, W) in another size by the nearest pixel."""
    if tuple(labels.shape[-2:]) == tuple(size):
        return labels
    flat = labels.reshape(-1, 1, *labels.shape[-2:])
    return (
        F.interpolate(flat.float(), size=tuple(size), mode="nearest")
        .to(labels.dtype)
        .view(*labels.shape[:-2], *size)
    )
