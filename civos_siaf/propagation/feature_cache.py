"""Frame features by frame, within a budget of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import torch

from civos_siaf.networks.propagation_network import FrameFeatures
from civos_siaf.propagation.images import Images
from civos_siaf.propagation.settings import SpeedSettings

Types: TypeAlias = Sequence[torch.dtype]
"""Of the key and each part."""


class FrameNetwork(Protocol):
    """A network that encodes frames."""

    def encode_frame(self, image: torch.Tensor) -> FrameFeatures:
        """(1, 3, H, W)."""


@torch.inference_mode()
def encoded_frame(
    network: FrameNetwork, images: Images, settings: SpeedSettings, frame: int
) -> FrameFeatures:
    """Features of a frame of a video.

    Not a method of a propagator: a cache that holds its owner would keep both, and the tensors of a session
    that is over, until Python looks for cycles.
    """
    with settings.autocast(images.device):
        return network.encode_frame(images[frame])


class FeatureCache:
    """Features of frames, encoded on first use; past the budget the least recently used leave.

    Args:
        encode: makes the features of a frame.
        max_bytes: most bytes that are kept; the last features stay in any case.
        dtype: those of larger types are kept in this one, such as `torch.float16`, and handed out in the type
            that they had; None: all are kept as they are.
    """

    def __init__(
        self, encode: Callable[[int], FrameFeatures], *, max_bytes: int, dtype: torch.dtype | None = None
    ) -> None:
        self.encoded = 0
        """How many times a frame was encoded."""
        self._encode = encode
        self._max_bytes = max_bytes
        self._dtype = dtype
        self._kept: OrderedDict[int, tuple[FrameFeatures, Types]] = OrderedDict()
        self._bytes = 0

    def __getitem__(self, frame: int) -> FrameFeatures:
        if frame in self._kept:
            self._kept.move_to_end(frame)
            return _converted(*self._kept[frame])
        features = self._encode(frame)
        self.encoded += 1
        types = [x.dtype for x in (features.key, *features.parts)]
        self._keep(frame, _converted(features, [self._small(kind) for kind in types]), types)
        return features

    def __contains__(self, frame: int) -> bool:
        return frame in self._kept

    @property
    def num_bytes(self) -> int:
        """Bytes held now."""
        return self._bytes

    def _small(self, kind: torch.dtype) -> torch.dtype:
        """The type in which one is kept."""
        return self._dtype if self._dtype is not None and self._dtype.itemsize < kind.itemsize else kind

    def _keep(self, frame: int, features: FrameFeatures, types: Types) -> None:
        # Room first: old and new features together would exceed the budget for a moment.
        while self._kept and self._bytes + features.num_bytes > self._max_bytes:
            _, (dropped, _) = self._kept.popitem(last=False)
            self._bytes -= dropped.num_bytes
        self._kept[frame] = features, types
        self._bytes += features.num_bytes


def _converted(features: FrameFeatures, types: Types) -> FrameFeatures:
    """Features whose key and parts have these types."""
    key, *parts = (x.to(kind) for x, kind in zip((features.key, *features.parts), types, strict=True))
    return FrameFeatures(key, tuple(parts))
