"""The labels of a video's frames, compressed to a hundredth of the space, and decoded when looked at."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import DTypeLike, NDArray


class LazyLabels(NDArrayOperatorsMixin):
    """Labels (T, H, W) uint8 that cannot be written to; a frame is made whenever it is asked for.

    A frame, a slice of frames and a walk over them take no more memory than a frame. Everything else that
    an array does, as comparing or `np.asarray`, makes the whole array first.

    Args:
        frames: the numbers of the T frames.
        size: (H, W).
        read: gives the labels (H, W) of a frame; the same at any time.

    >>> labels = LazyLabels(range(9), (2, 3), lambda frame: np.full((2, 3), frame, np.uint8))
    >>> labels.shape, int(labels[-1].max()), len(labels[2:5])
    ((9, 2, 3), 8, 3)
    """

    dtype = np.dtype(np.uint8)
    ndim = 3

    def __init__(
        self, frames: Sequence[int], size: tuple[int, int], read: Callable[[int], NDArray[np.uint8]]
    ) -> None:
        self.shape = (len(frames), *size)
        self._frames = frames
        self._read = read

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return map(self._read, self._frames)

    def __getitem__(self, index: Any) -> Any:
        """As of an array; a plain slice of frames stays lazy."""
        if isinstance(index, slice):
            return LazyLabels(self._frames[index], self.shape[1:], self._read)
        first, *rest = index if isinstance(index, tuple) and index else (index,)
        if isinstance(first, int | np.integer) and not isinstance(first, bool):
            labels = self._read(self._frames[int(first)])
            return labels[tuple(rest)] if rest else labels
        if isinstance(first, slice):
            index = (slice(None), *rest)
            return np.asarray(self[first])[index]
        return np.asarray(self)[index]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        arrays = [np.asarray(item) if isinstance(item, LazyLabels) else item for item in inputs]
        return getattr(ufunc, method)(*arrays, **options)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """All labels, an array (T, H, W).

        Raises:
            ValueError: `copy` is False.
        """
        if copy is False:
            raise ValueError("labels that are decoded when asked for are always a copy")
        out = np.empty(self.shape, self.dtype if dtype is None else dtype)
        for place, labels in enumerate(self):
            out[place] = labels
        return out

    def __repr__(self) -> str:
        return f"<LazyLabels {self.shape}>"

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array."""
        return int(np.prod(self.shape))


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
