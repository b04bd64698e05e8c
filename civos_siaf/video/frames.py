"""Frames: the images of one video, decoded when asked for and never all in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from civos_siaf.video.image_files import IMAGE_SUFFIXES, image_files

Rgb: TypeAlias = NDArray[np.uint8]
"""An image (H, W, 3) uint8."""

DEFAULT_CACHE_BYTES = 256 * 2**20
DEFAULT_RATE = 24.0
"""Frames per second of videos that do not tell, as folders of images."""


class Source(Protocol):
    """Where frames come from; `read` may be called in any order."""

    def __len__(self) -> int: ...

    def read(self, index: int) -> Rgb:
        """Decode frame `index`, 0 <= index < len."""

    def name(self, index: int) -> str:
        """A short name of the frame, for files made from it."""


class Frames:
    """The frames of one video as a sequence: `frames[t]` is (H, W, 3) uint8, read-only.

    Decoded frames are kept in a cache of at most `cache_bytes`, the least recently used leaving first.
    All frames have the size of frame 0.

    >>> frames = Frames.open(np.zeros((5, 4, 6, 3), np.uint8))
    >>> len(frames), frames.height, frames.width
    (5, 4, 6)
    """

    def __init__(self, source: Source, *, cache_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        if len(source) == 0:
            raise ValueError("a video needs at least one frame")
        self._source = source
        self._budget = cache_bytes
        self._cache: OrderedDict[int, Rgb] = OrderedDict()
        self._cached = 0
        self._lock = threading.RLock()
        self._size: tuple[int, int] | None = None

    @classmethod
    def open(
        cls, source: str | Path | NDArray[np.uint8], *, cache_bytes: int = DEFAULT_CACHE_BYTES
    ) -> Frames:
        """Open a folder of images, a video file, or an array (T, H, W, 3) or (T, H, W) uint8.

        Raises:
            FileNotFoundError: no such folder or file.
            ValueError: no frames, or an array of another shape or type.
        """
        if isinstance(source, np.ndarray):
            return cls(_ArraySource(source), cache_bytes=cache_bytes)
        path = Path(source)
        if path.is_dir():
            return cls(_FolderSource(path), cache_bytes=cache_bytes)
        if path.is_file():
            from civos_siaf.video.source import VideoSource

            return cls(VideoSource(path), cache_bytes=cache_bytes)
        raise FileNotFoundError(f"no video file or image folder at {path}")

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> Rgb:
        if not -len(self) <= index < len(self):
            raise IndexError(f"frame {index} of a video with {len(self)} frames")
        index %= len(self)
        with self._lock:
            if index in self._cache:
                self._cache.move_to_end(index)
                return self._cache[index]
            frame = self._source.read(index)
            self._check_size(index, frame)
            frame.flags.writeable = False
            self._keep(index, frame)
            return frame

    def __iter__(self) -> Iterator[Rgb]:
        return (self[index] for index in range(len(self)))

    @property
    def height(self) -> int:
        """Pixel rows of every frame."""
        return self.size[0]

    @property
    def width(self) -> int:
        """Pixel columns of every frame."""
        return self.size[1]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of every frame."""
        if self._size is None:
            _ = self[0]
        assert self._size is not None
        return self._size

    @property
    def cached_bytes(self) -> int:
        """Bytes of decoded frames held now."""
        return self._cached

    @property
    def frame_rate(self) -> float | None:
        """Frames per second on average; None where that is not known, as for images."""
        return getattr(self._source, "frame_rate", None)

    @property
    def has_file_names(self) -> bool:
        """Whether frames are named by the files that they come from, and not by their numbers."""
        return bool(getattr(self._source, "has_file_names", False))

    def name(self, index: int) -> str:
        """A short name of a frame: the file's stem, or the frame number in five digits."""
        return self._source.name(index)

    def _check_size(self, index: int, frame: Rgb) -> None:
        size = (frame.shape[0], frame.shape[1])
        if self._size is None:
            if index != 0:
                _ = self[0]
            else:
                self._size = size
        if size != self._size:
            raise ValueError(f"frame {self.name(index)} has size {size}, frame 0 has {self._size} (H, W)")

    def _keep(self, index: int, frame: Rgb) -> None:
        self._cache[index] = frame
        self._cached += frame.nbytes
        while self._cached > self._budget and len(self._cache) > 1:
            _, dropped = self._cache.popitem(last=False)
            self._cached -= dropped.nbytes


def read_image(path: Path) -> Rgb:
    """Read an image file as (H, W, 3) uint8: upright by its EXIF tag, grey repeated, alpha dropped.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not an image, or damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no image at {path}")
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I"):  # 16-bit grey, which older Pillow calls I
                grey = (np.asarray(upright).astype(np.uint32) // 257).astype(np.uint8)
                return np.repeat(grey[..., None], 3, axis=2)
            return np.array(upright.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"{path}: not a readable image ({error})") from error


class _FolderSource:
    """The images of a folder in natural order; hidden files are left out."""

    has_file_names = True

    def __init__(self, folder: Path) -> None:
        self._paths = image_files(folder)
        if not self._paths:
            raise ValueError(f"{folder}: no images ({', '.join(sorted(IMAGE_SUFFIXES))})")

    def __len__(self) -> int:
        return len(self._paths)

    def read(self, index: int) -> Rgb:
        return read_image(self._paths[index])

    def name(self, index: int) -> str:
        return self._paths[index].stem


class _ArraySource:
    """Frames that are in memory already."""

    def __init__(self, array: NDArray[np.uint8]) -> None:
        colour = array.ndim == 4 and array.shape[3] in (1, 3, 4)
        if array.dtype != np.uint8 or not (colour or array.ndim == 3):
            raise ValueError(
                f"frames must be (T, H, W, 3) or (T, H, W) uint8, got {array.shape} {array.dtype}"
            )
        self._array = array if colour else array[..., None]

    def __len__(self) -> int:
        return len(self._array)

    def read(self, index: int) -> Rgb:
        frame = self._array[index]
        return np.repeat(frame, 3, axis=2) if frame.shape[2] == 1 else frame[..., :3].copy()

    def name(self, index: int) -> str:
        return f"{index:05d}"
