"""Image files as the frames of a video: those of a folder, or the pages of one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from civos_siaf.video.image_files import IMAGE_SUFFIXES, image_files
from civos_siaf.video.image_pixels import (
    Page,
    ValueRange,
    durations,
    pages_of,
    pixels_of,
    read_pixels,
    to_8_bits,
    value_range,
)

SURVEYED = 64
"""Images of more than 8 bits that are looked at to find the range of their values."""


class ImageSource:
    """Images in their order; a file with several pages, such as a TIFF stack, gives a frame for each.

    Args:
        paths: of the files, at least one.
        what: what they are of, for messages; None: the first file.

    Raises:
        ValueError: images of several sizes.

    Attributes:
        faults: what is wrong with frames, by number.
        has_file_names: whether frames are named by files, and not by numbers of pages.
    """

    def __init__(self, paths: Sequence[Path], what: Path | None = None) -> None:
        self._what = what or paths[0]
        self.faults: dict[int, str] = {}
        self._pages: list[tuple[Path, int]] = []
        self._names: list[str] = []
        self._range: ValueRange | None = None
        self._open: tuple[Path, Image.Image] | None = None
        self._page = -1  # of the open file, read last
        sizes: list[tuple[str, tuple[int, int]]] = []
        for path in paths:
            try:
                pages = pages_of(path)
            except ValueError as error:
                self.faults[len(self._pages)] = str(error)
                pages = [Page(0, (0, 0))]
            for page in pages:
                self._pages.append((path, page.number))
                self._names.append(_name(path, page.number, alone=len(paths) == 1, single=len(pages) == 1))
                if page.size != (0, 0):
                    sizes.append((f"{path.name}{f', page {page.number}' * (len(pages) > 1)}", page.size))
        self.has_file_names = len(self._pages) == len(paths)
        _check_sizes(sizes, self._what)

    @classmethod
    def of_folder(cls, folder: Path) -> ImageSource:
        """The images of a folder in natural order; hidden files are left out.

        Raises:
            ValueError: there are none, or of several sizes.
        """
        paths = image_files(folder)
        if not paths:
            raise ValueError(f"{folder}: no images ({', '.join(sorted(IMAGE_SUFFIXES))})")
        return cls(paths, folder)

    def __len__(self) -> int:
        return len(self._pages)

    def read(self, index: int) -> NDArray[np.uint8]:
        """An image (H, W, 3) uint8."""
        path, page = self._pages[index]
        pixels = self._paged(path, page) if self._is_paged(index) else read_pixels(path)
        if pixels.dtype == np.uint8:
            return pixels
        if self._range is None:
            step = max(1, -(-len(self) // SURVEYED))
            some = (read_pixels(*self._pages[n]) for n in range(0, len(self), step) if n not in self.faults)
            self._range = value_range(some, self._what)
        return to_8_bits(pixels, self._range, path)

    def name(self, index: int) -> str:
        """The file's stem, or the number of the page in five digits."""
        return self._names[index]

    @property
    def times(self) -> NDArray[np.float64] | None:
        """When each frame of an animation is shown, seconds from the first; None of other images."""
        if self.has_file_names or len({path for path, _ in self._pages}) > 1:
            return None
        shown = durations(self._pages[0][0], [page for _, page in self._pages])
        return np.concatenate([[0.0], np.cumsum(shown[:-1])]) if min(shown) > 0 else None

    @property
    def frame_rate(self) -> float | None:
        """Frames per second of an animation on average."""
        times = self.times
        return None if times is None or len(times) < 2 else float((len(times) - 1) / times[-1])

    def _is_paged(self, index: int) -> bool:
        path = self._pages[index][0]
        return any(
            0 <= other < len(self) and self._pages[other][0] == path for other in (index - 1, index + 1)
        )

    def _paged(self, path: Path, page: int) -> NDArray[np.uint8]:
        """A page of a file that stays open: pages of an animation build on one another."""
        try:
            if self._open is None or self._open[0] != path or page < self._page:  # Pillow winds back badly
                if self._open is not None:
                    self._open[1].close()
                self._open = path, Image.open(path)
            self._page = page
            return pixels_of(self._open[1], path, page)
        except UnidentifiedImageError:
            return read_pixels(path, page)
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            self._open = None
            raise ValueError(f"{path}: page {page} is not readable ({error})") from error


def _name(path: Path, page: int, *, alone: bool, single: bool) -> str:
    if single:
        return path.stem
    return f"{page:05d}" if alone else f"{path.stem}_{page:05d}"


def _check_sizes(sizes: Sequence[tuple[str, tuple[int, int]]], what: Path) -> None:
    """Refuse images of several sizes, naming those that differ from most."""
    count: dict[tuple[int, int], int] = {}
    for _, size in sizes:
        count[size] = count.get(size, 0) + 1
    if len(count) < 2:
        return
    usual = max(count, key=lambda size: count[size])
    odd = [f"{name} ({size[1]}x{size[0]})" for name, size in sizes if size != usual]
    more = f" and {len(odd) - 5} more" if len(odd) > 5 else ""
    raise ValueError(
        f"{what}: the frames of a video have one size; {usual[1]}x{usual[0]} is that of {count[usual]}, not "
        f"of {', '.join(odd[:5])}{more}. Resize or remove what differs"
    )
