"""The frames of a video as networks want them: normalised and padded."""

from __future__ import annotations

import torch
from torch import Tensor

from civos_siaf.frames import Frames
from civos_siaf.padding import Padding

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def normalize(image: Tensor) -> Tensor:
    """RGB (..., 3, H, W) in [0, 1] less the mean of ImageNet, divided by its deviation."""
    mean = image.new_tensor(IMAGENET_MEAN).view(3, 1, 1)
    std = image.new_tensor(IMAGENET_STD).view(3, 1, 1)
    return (image - mean) / std


class FrameImages:
    """Frames as normalised, padded tensors; the last one asked for is kept.

    Args:
        frames: the video.
        padding: for its size.
        device: where the tensors are wanted.
    """

    def __init__(self, frames: Frames, padding: Padding, device: torch.device) -> None:
        self.frames = frames
        self.padding = padding
        self.device = device
        self._last: tuple[int, Tensor] | None = None

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> Tensor:
        """(1, 3, H', W'); zero, the mean colour, where padded."""
        if self._last is None or self._last[0] != index:
            pixels = torch.tensor(self.frames[index]).to(self.device)
            image = normalize(pixels.permute(2, 0, 1).float() / 255)
            self._last = index, self.padding.pad(image)[None]
        return self._last[1]
