"""Frames: the images of one video, decoded when asked for and never all in memory."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from civos_siaf.video.image_files import is_image_name
from civos_siaf.video.image_source import ImageSource

log = logging.getLogger(__name__)

Rgb: TypeAlias = NDArray[np.uint8]
"""An image (H, W, 3) uint8."""

DEFAULT_CACHE_BYTES = 256 * 2**20
DEFAULT_RATE = 24.0
"""Frames per second of videos that do not tell, as folders of images."""


class Source(Protocol):
    """Where frames come from; `read` may be called in any order.

    What a source may also have: `frame_rate`, `times`, `pixel_aspect`, `faults` and `sound`, as of `Frames`.
    """

    def __len__(self) -> int: ...

    def read(self, index: int) -> Rgb:
        """Decode frame `index`, 0 <= index < len."""

    def name(self, index: int) -> str:
        """A short name of the frame, for files made from it."""


class Frames:
    """The frames of one video as a sequence: `frames[t]` is (H, W, 3) uint8, read-only.

    Decoded frames are kept in a cache of at most `cache_bytes`, the least recently used leaving first.
    All frames have the size of frame 0.

    Args:
        source: where they come from.
        cache_bytes: of decoded frames kept.
        hold: in the place of a damaged frame, which is named once in the log, the last good one is shown;
            otherwise it is an error.

    >>> frames = Frames.open(np.zeros((5, 4, 6, 3), np.uint8))
    >>> len(frames), frames.height, frames.width
    (5, 4, 6)
    """

    def __init__(self, source: Source, *, cache_bytes: int = DEFAULT_CACHE_BYTES, hold: bool = False) -> None:
        if len(source) == 0:
            raise ValueError("a video needs at least one frame")
        self._source = source
        self._budget = cache_bytes
        self._hold = hold
        self._faults: dict[int, str] = dict(getattr(source, "faults", {}))
        self._cache: OrderedDict[int, Rgb] = OrderedDict()
        self._cached = 0
        self._lock = threading.RLock()
        self._size: tuple[int, int] | None = None

    @classmethod
    def open(
        cls,
        source: str | Path | NDArray[np.uint8],
        *,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        hold: bool = False,
        kept: Path | None = None,
        run_bytes: int | None = None,
    ) -> Frames:
        """Open a folder of images, an image or video file, or an array (T, H, W, 3) or (T, H, W) uint8.

        Args:
            source: what to open.
            cache_bytes: see the class.
            hold: see the class.
            run_bytes: of pictures of a video file kept for steps back; None: what `VideoSource` keeps.
            kept: a file that keeps what one decoding of a video file has found, so that it is done once.

        Raises:
            FileNotFoundError: no such folder or file.
            ValueError: no frames, images of several sizes, or an array of another shape or type.
        """
        if isinstance(source, np.ndarray):
            return cls(_ArraySource(source), cache_bytes=cache_bytes, hold=hold)
        path = Path(source)
        if path.is_dir():
            return cls(ImageSource.of_folder(path), cache_bytes=cache_bytes, hold=hold)
        if path.is_file() and is_image_name(path.name):
            return cls(ImageSource([path]), cache_bytes=cache_bytes, hold=hold)
        if path.is_file():
            from civos_siaf.video.source import RUN_BYTES, VideoSource

            video = VideoSource(path, kept=kept, run_bytes=RUN_BYTES if run_bytes is None else run_bytes)
            return cls(video, cache_bytes=cache_bytes, hold=hold)
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
            try:
                frame = self._read(index)
            except (ValueError, OSError) as error:
                frame = self._held(index, error)
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
    def times(self) -> NDArray[np.float64] | None:
        """When each frame is shown, seconds from the first, (T,), rising; None where that is not known."""
        times: NDArray[np.float64] | None = getattr(self._source, "times", None)
        return times

    @property
    def pixel_aspect(self) -> Fraction:
        """Width of a pixel by its height, as a player shows it."""
        return Fraction(getattr(self._source, "pixel_aspect", 1))

    @property
    def sound(self) -> tuple[Path, float] | None:
        """A file with the video's sound, and the time of frame 0 by its clock; None where there is none."""
        sound: tuple[Path, float] | None = getattr(self._source, "sound", None)
        return sound

    @property
    def faults(self) -> Mapping[int, str]:
        """What is wrong with frames, by number, as far as it is known by now; they can be shown all the same,
        or something in their place."""
        return self._faults

    @property
    def cut_off(self) -> str | None:
        """What is missing at the end of a file that breaks off; None where nothing is."""
        text: str | None = getattr(self._source, "cut_off", None)
        return text

    @property
    def has_file_names(self) -> bool:
        """Whether frames are named by the files that they come from, and not by their numbers."""
        return bool(getattr(self._source, "has_file_names", False))

    def name(self, index: int) -> str:
        """A short name of a frame: the file's stem, or the frame number in five digits."""
        return self._source.name(index)

    def _held(self, index: int, error: Exception) -> Rgb:
        """The last good frame before one that cannot be read, or the next one."""
        if not self._hold:
            raise error
        if index not in self._faults:
            self._faults[index] = str(error)
            log.warning("frame %d is shown as the one before it: %s", index, error)
        for other in (*range(index - 1, -1, -1), *range(index + 1, len(self))):
            if other in self._faults and other not in self._cache:
                continue
            try:
                return self._cache[other].copy() if other in self._cache else self._read(other)
            except (ValueError, OSError):
                continue
        raise error

    def _read(self, index: int) -> Rgb:
        """A frame, of the size of the first."""
        frame = self._source.read(index)
        size = (frame.shape[0], frame.shape[1])
        if self._size is None:
            self._size = size if index == 0 or self._hold else self.size
        if size != self._size:
            raise ValueError(f"frame {self.name(index)} has size {size}, frame 0 has {self._size} (H, W)")
        return frame

    def _keep(self, index: int, frame: Rgb) -> None:
        self._cache[index] = frame
        self._cached += frame.nbytes
        while self._cached > self._budget and len(self._cache) > 1:
            _, dropped = self._cache.popitem(last=False)
            self._cached -= dropped.nbytes


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
