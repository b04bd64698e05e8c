"""Looking through a data set before a training relies on it: counts, pairs, sizes, labels, damaged files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from civos_siaf.masks import read_png
from civos_siaf.video.image_pixels import read_image

PAIRS_BEFORE_A_CUT = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a file."""

    path: Path
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found in one video, or of one image.

    Attributes:
        name: of the video or image.
        total: how many there are in all, for progress.
        images: images read.
        masks: masks read.
        objects: objects seen.
        empty: masks that show no object; not a problem by itself.
        sizes: (height, width) of the images.
        problems: what is wrong.
    """

    name: str
    total: int
    images: int = 0
    masks: int = 0
    objects: int = 0
    empty: int = 0
    sizes: tuple[tuple[int, int], ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class DataSummary:
    """Sums over everything checked."""

    checked: int = 0
    images: int = 0
    masks: int = 0
    objects: int = 0
    empty: int = 0
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    def add(self, part: Checked) -> None:
        """Count a video or image."""
        self.checked += 1
        self.images += part.images
        self.masks += part.masks
        self.objects += part.objects
        self.empty += part.empty
        self.sizes.update(part.sizes)
        self.problems += part.problems

    def rows(self) -> list[tuple[str, str]]:
        """The table, name and value."""
        sizes = ", ".join(f"{h}x{w} ({n})" for (h, w), n in self.sizes.most_common(3))
        rest = len(self.sizes) - 3
        return [
            ("videos or images", str(self.checked)),
            ("images read", str(self.images)),
            ("masks read", str(self.masks)),
            ("objects", str(self.objects)),
            ("masks without object", str(self.empty)),
            ("sizes (H x W)", sizes + (f" and {rest} more" if rest > 0 else "")),
            ("problems", str(len(self.problems))),
        ]


def summarise_data(parts: Iterable[Checked]) -> DataSummary:
    """Sums over all parts."""
    summary = DataSummary()
    for part in parts:
        summary.add(part)
    return summary


class Finder:
    """Reads files and collects what is wrong with them instead of raising."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def say(self, path: Path, what: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(path, what))

    def image(self, path: Path) -> NDArray[np.uint8] | None:
        """The image, decoded to its end; None: it cannot be."""
        return self.read(path, read_image)

    def labels(self, path: Path) -> NDArray[np.uint8] | None:
        """The labels of an indexed or grey PNG; None: it is no such file."""
        return self.read(path, read_png)

    def same_size(self, path: Path, picture: NDArray[np.uint8], size: Sequence[int], of: str) -> None:
        """Note a picture whose size is not (H, W) `size`, that of `of`."""
        if picture.shape[:2] != tuple(size):
            self.say(path, f"size {picture.shape[:2]}, {of} has {tuple(size)} (H, W)")

    def pairs(self, images: Sequence[Path], masks: Sequence[Path], *, every_image: bool) -> None:
        """Note masks without image, and images without mask if `every_image` needs one."""
        stems, labelled = {path.stem for path in images}, {path.stem for path in masks}
        lone = [path for path in masks if path.stem not in stems]
        bare = [path for path in images if path.stem not in labelled] if every_image else []
        for paths, what in ((lone, "no image of this name"), (bare, "no mask of this name")):
            for path in paths[:PAIRS_BEFORE_A_CUT]:
                self.say(path, what)
            if len(paths) > PAIRS_BEFORE_A_CUT:
                self.say(paths[0].parent, f"{what} for {len(paths) - PAIRS_BEFORE_A_CUT} more files")

    def read(self, path: Path, reader: Callable[[Path], NDArray[np.uint8]]) -> NDArray[np.uint8] | None:
        """What `reader` makes of a file; None, and a problem noted, if it raises."""
        try:
            return reader(path)
        except (FileNotFoundError, ValueError) as error:
            text = str(error)
            self.say(path, text.removeprefix(f"{path}: "))
        except (Image.DecompressionBombError, MemoryError) as error:
            self.say(path, f"too large an image ({error})")
        return None
