"""The labels of a video's frames, compressed: they take a hundredth of the space."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

LabelState: TypeAlias = tuple[bytes | None, ...]
"""All labels at a moment; unchanged frames are shared with other moments."""


class LabelStore:
    """Labels (H, W) of T frames, or nothing where no label was ever made.

    Args:
        num_frames: T.
        size: (H, W).
        max_video_bytes: label videos larger than this are memory maps of temporary files.
        folder: for temporary files; None: the system's.
    """

    def __init__(
        self,
        num_frames: int,
        size: tuple[int, int],
        *,
        max_video_bytes: int = 2**30,
        folder: Path | str | None = None,
    ) -> None:
        self.size = size
        self._max_video_bytes = max_video_bytes
        self._folder = folder
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
        nothing = np.zeros(self.size, np.uint8)

        def read(frame: int) -> NDArray[np.uint8]:
            labels = self[frame]
            return nothing if labels is None else labels

        return label_video(len(self), self.size, read, max_bytes=self._max_video_bytes, folder=self._folder)

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
    folder: Path | str | None = None,
) -> NDArray[np.uint8]:
    """Labels (T, H, W) of all frames.

    Args:
        num_frames: T.
        size: (H, W).
        read: gives the labels of a frame.
        max_bytes: beyond this the video is a memory map of a temporary file.
        folder: for the file; None: the system's.
    """
    shape = (num_frames, *size)
    out: NDArray[np.uint8]
    if np.prod(shape) <= max_bytes:
        out = np.zeros(shape, np.uint8)
        for frame in range(num_frames):
            out[frame] = read(frame)
        return out
    with tempfile.TemporaryFile(dir=folder) as file:
        for frame in range(num_frames):
            file.write(np.ascontiguousarray(read(frame)).data)
        file.flush()
        out = np.memmap(file, np.uint8, mode="r+", shape=shape)
    return out
