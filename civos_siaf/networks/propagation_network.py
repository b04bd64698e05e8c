"""What every space-time memory network offers: frames, memories, reading and decoding."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn


class FrameFeatures(NamedTuple):
    """What depends on a frame alone, so it is computed once for all objects and rounds.

    Attributes:
        key: (1, C_k, h, w), what is looked for in memory; (N, ...) of several frames.
        parts: whatever else decoding needs.
    """

    key: Tensor
    parts: tuple[Tensor, ...]

    @property
    def num_bytes(self) -> int:
        """Size of all tensors."""
        return sum(x.numel() * x.element_size() for x in (self.key, *self.parts))

    def rows(self, index: Tensor) -> FrameFeatures:
        """Of the frames with these numbers (P,), of several frames."""
        return FrameFeatures(self.key[index], tuple(part[index] for part in self.parts))


class Memory(NamedTuple):
    """What a frame with masks leaves in memory.

    Attributes:
        key: (K, C_k, h, w); (1, C_k, h, w) where keys do not depend on the object.
        value: (K, C_v, h, w).
    """

    key: Tensor
    value: Tensor


class PropagationNetwork(nn.Module, ABC):
    """Base of the space-time memory networks.

    Attributes:
        stride: pixels per position of keys and values; image sides are multiples of it.
        memory_needs_frame: `encode_memory` uses the frame's features.
        shared_keys: memory keys do not depend on the object.
    """

    stride = 16
    memory_needs_frame = False
    shared_keys = False

    @abstractmethod
    def encode_frame(self, image: Tensor) -> FrameFeatures:
        """Features of a normalised image (1, 3, H, W), or of several (N, 3, H, W)."""

    def encode_memory(self, image: Tensor, masks: Tensor, frame: FrameFeatures | None = None) -> Memory:
        """Memory of a normalised image (1, 3, H, W) with masks (K, 1, H, W) in [0, 1] of all its objects."""
        return self.encode_objects(image, masks, others(masks), frame)

    @abstractmethod
    def encode_objects(
        self, images: Tensor, masks: Tensor, rest: Tensor, frames: FrameFeatures | None = None
    ) -> Memory:
        """Memory of objects of one image, or each of its own.

        Args:
            images: (1, 3, H, W) or (K, 3, H, W), normalised.
            masks: (K, 1, H, W) in [0, 1].
            rest: for each object the masks of its image's other objects, see `others`.
            frames: features of the images, as many.
        """

    @abstractmethod
    def decode_low(self, readout: Tensor, frame: FrameFeatures) -> Tensor:
        """What was read (K, C_v, h, w) to logits (K, 1, H/4, W/4), with features of 1 image or of K."""

    def decode(self, readout: Tensor, frame: FrameFeatures) -> Tensor:
        """What was read (K, C_v, h, w) to logits (K, 1, H, W)."""
        low = self.decode_low(readout, frame)
        return F.interpolate(low, scale_factor=4, mode="bilinear", align_corners=False)


def others(masks: Tensor) -> Tensor:
    """For each object the sum of all other objects' masks, (K, 1, H, W); not clamped.

    Source: docs/specification/mivos.md section 4.1.
    """
    return masks.sum(dim=0, keepdim=True) - masks if len(masks) > 1 else masks.new_zeros(masks.shape)
