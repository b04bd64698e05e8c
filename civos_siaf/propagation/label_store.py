"""The labels of a video's frames, compressed: they take a hundredth of the space."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from civos_siaf.propagation.lazy_labels import LazyLabels

LabelState: TypeAlias = tuple[bytes | None, ...]
"""All labels at a moment; unchanged frames are shared with other moments."""


class LabelStore:
    """Labels (H, W) of T frames, or nothing where no label was ever made.

    Args:
        num_frames: T.
        size: (H, W).
        max_video_bytes: label videos larger than this are decoded frame by frame when they are looked at.
    """

    def __init__(self, num_frames: int, size: tuple[int, int], *, max_video_bytes: int = 2**30) -> None:
        self.size = size
        self._max_video_bytes = max_video_bytes
        self._packed: list[bytes | None] = [None] * num_frames

    def __len__(self) -> int:
        return len(self._packed)

    def __getitem__(self, frame: int) -> NDArray[np.uint8] | None:
        """Labels of a frame, a copy; None where there are none yet."""
        packed = self._packed[frame]
        return None if packed is None else unpack(packed, self.size)

    def __setitem__(self, frame: int, labels: NDArray[np.uint8]) -> None:
        if labels.shape != self.size:
            raise ValueError(f"labels of frame {frame} are {labels.shape}, the video is {self.size} (H, W)")
        self._packed[frame] = pack(labels)

    def video(self) -> NDArray[np.uint8]:
        """Labels (T, H, W) of all frames, a copy; background where there are none yet."""
        moment, size = self.snapshot(), self.size

        def read(frame: int) -> NDArray[np.uint8]:
            packed = moment[frame]
            return np.zeros(size, np.uint8) if packed is None else unpack(packed, size)

        return label_video(len(moment), size, read, max_bytes=self._max_video_bytes)

    def snapshot(self) -> LabelState:
        """The labels now."""
        return tuple(self._packed)

    def restore(self, state: LabelState) -> None:
        """The labels as they were."""
        self._packed = list(state)


def pack(labels: NDArray[np.uint8]) -> bytes:
    """Labels (H, W) in little space."""
    return zlib.compress(np.ascontiguousarray(labels, np.uint8).data, level=1)


def unpack(packed: bytes, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Labels (H, W) that were packed, a copy."""
    return np.array(np.frombuffer(zlib.decompress(packed), np.uint8).reshape(size))


def label_video(
    num_frames: int,
    size: tuple[int, int],
    read: Callable[[int], NDArray[np.uint8]],
    *,
    max_bytes: int,
) -> NDArray[np.uint8]:
    """Labels (T, H, W) of all frames.

    Args:
        num_frames: T.
        size: (H, W).
        read: gives the labels of a frame; what it gives must not change later.
        max_bytes: beyond this the video is `LazyLabels`.
    """
    shape = (num_frames, *size)
    if np.prod(shape) > max_bytes:
        return cast("NDArray[np.uint8]", LazyLabels(range(num_frames), size, read))
    out = np.empty(shape, np.uint8)
    for frame in range(num_frames):
        out[frame] = read(frame)
    return out
