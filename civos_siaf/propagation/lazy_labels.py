"""The labels of a long video, decoded when they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

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
