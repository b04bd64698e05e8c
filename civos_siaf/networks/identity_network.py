"""What networks have in common that carry up to ten identities through a video at the cost of one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from civos_siaf.networks.propagation_network import FrameFeatures

UNUSED_LOGIT = -1e10


class KeyValue(NamedTuple):
    """What one layer remembers of m frames, n positions each.

    Attributes:
        key: (B, G, m*n, D); B is 1 where keys do not depend on the objects.
        value: (E, G, m*n, D').
    """

    key: Tensor
    value: Tensor


class Seen(NamedTuple):
    """What one layer will remember of a frame once its masks are known.

    Attributes:
        key: (B, G, n, D).
        tokens: (B, n, C), values before they get identities.
    """

    key: Tensor
    tokens: Tensor


FrameMemory: TypeAlias = tuple[KeyValue, ...]
"""What all layers remember of a frame."""


class Matched(NamedTuple):
    """A frame that was matched with memory.

    Attributes:
        maps: (E, C, h, w) of each layer, for the decoder.
        seen: of each layer, for `remember`.
    """

    maps: list[Tensor]
    seen: list[Seen]


class IdentityNetwork(nn.Module, ABC):
    """E groups of up to ten objects share a frame and go through as a batch.

    Images are RGB, normalised with the mean and deviation of ImageNet. The features of a frame serve all
    groups and all rounds.

    Args:
        align_corners: how maps are enlarged, and where their positions lie: sides are then 16k+1, else 16k.
    """

    def __init__(self, *, align_corners: bool) -> None:
        super().__init__()
        self.align_corners = align_corners

    @abstractmethod
    def encode_frame(self, image: Tensor) -> FrameFeatures:
        """All that depends on images (N, 3, H, W) alone.

        Raises:
            ValueError: sides that do not fit.
        """

    @abstractmethod
    def identify(self, labels: Tensor) -> Tensor:
        """Labels (E, H, W) of the size of the image, 0..10, to identity embeddings (E, n, C)."""

    @abstractmethod
    def identify_masks(self, masks: Tensor) -> Tensor:
        """Masks (E, 11, H, W), index 0 = background, to identity embeddings (E, n, C)."""

    @abstractmethod
    def reference(self, frame: FrameFeatures, identity: Tensor) -> tuple[list[Tensor], FrameMemory]:
        """A frame with given masks.

        Args:
            frame: features of one frame, or of E.
            identity: (E, n, C).

        Returns:
            Maps for `decode`, and the frame's memory, which depends on this frame and these masks alone.
        """

    @abstractmethod
    def match(self, frame: FrameFeatures, long: FrameMemory, short: FrameMemory) -> Matched:
        """Match a frame, or E frames, with the memory of earlier ones.

        Args:
            frame: features of one frame, or of E.
            long: of any number of frames.
            short: of one frame, the one before.
        """

    @abstractmethod
    def remember(self, seen: Sequence[Seen], identity: Tensor) -> FrameMemory:
        """Memory of a matched frame with the identity embedding (E, n, C) of its masks."""

    @abstractmethod
    def decode(self, maps: Sequence[Tensor], frame: FrameFeatures) -> Tensor:
        """Logits (E, 11, H/4, W/4) of what was matched."""

    def resize(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        """Logits (E, C, h, w) in another size (H, W)."""
        return F.interpolate(logits, size=size, mode="bilinear", align_corners=self.align_corners)

    def _require_size(self, image: Tensor) -> None:
        rest = 1 if self.align_corners else 0
        height, width = image.shape[-2:]
        if height % 16 != rest or width % 16 != rest:
            raise ValueError(f"image sides must be 16k{'+1' * rest}, got {height} x {width}")


def mask_unused(logits: Tensor, counts: Sequence[int]) -> Tensor:
    """Logits (E, 11, h, w) with what lies above each group's number of objects made impossible."""
    numbers = torch.arange(logits.shape[1], device=logits.device)
    unused = numbers > torch.tensor(list(counts), device=logits.device)[:, None]
    value = max(UNUSED_LOGIT, torch.finfo(logits.dtype).min)
    return logits.masked_fill(unused[:, :, None, None], value)


def concatenated(memories: Sequence[FrameMemory]) -> FrameMemory:
    """The memories of several frames as one; their order has no meaning."""
    return tuple(
        KeyValue(*(torch.cat(parts, dim=2) for parts in zip(*layer, strict=True)))
        for layer in zip(*memories, strict=True)
    )
