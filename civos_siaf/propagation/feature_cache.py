"""Frame features by frame, within a budget of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch

from civos_siaf.networks.propagation_network import FrameFeatures


class FeatureCache:
    """Features of frames, encoded on first use; past the budget the least recently used leave.

    Args:
        encode: makes the features of a frame.
        max_bytes: most bytes that are kept; the last features stay in any case.
        dtype: kept in this type, such as `torch.float16`, and handed out as they were; None: as they are.
    """

    def __init__(
        self, encode: Callable[[int], FrameFeatures], *, max_bytes: int, dtype: torch.dtype | None = None
    ) -> None:
        self.encoded = 0
        """How many times a frame was encoded."""
        self._encode = encode
        self._max_bytes = max_bytes
        self._dtype = dtype
        self._kept: OrderedDict[int, tuple[FrameFeatures, torch.dtype]] = OrderedDict()
        self._bytes = 0

    def __getitem__(self, frame: int) -> FrameFeatures:
        if frame in self._kept:
            self._kept.move_to_end(frame)
            features, dtype = self._kept[frame]
            return _converted(features, dtype)
        features = self._encode(frame)
        self.encoded += 1
        self._keep(frame, _converted(features, self._dtype), features.key.dtype)
        return features

    def __contains__(self, frame: int) -> bool:
        return frame in self._kept

    @property
    def num_bytes(self) -> int:
        """Bytes held now."""
        return self._bytes

    def _keep(self, frame: int, features: FrameFeatures, dtype: torch.dtype) -> None:
        # Room first: old and new features together would exceed the budget for a moment.
        while self._kept and self._bytes + features.num_bytes > self._max_bytes:
            _, (dropped, _) = self._kept.popitem(last=False)
            self._bytes -= dropped.num_bytes
        self._kept[frame] = features, dtype
        self._bytes += features.num_bytes


def _converted(features: FrameFeatures, dtype: torch.dtype | None) -> FrameFeatures:
    if dtype is None:
        return features
    return FrameFeatures(features.key.to(dtype), tuple(part.to(dtype) for part in features.parts))
