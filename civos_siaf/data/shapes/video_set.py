"""The embedded benchmark: a few synthetic videos with several objects, as a data set in the DAVIS layout."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from civos_siaf.data.samples import Clip
from civos_siaf.data.shapes.clips import ShapesClips
from civos_siaf.data.shapes.scene import SceneRules
from civos_siaf.masks import write_png
from civos_siaf.runtime.files import atomic_folder, atomic_path, write_text

YEAR = "2017"
MARKER = "shapes.json"
PAIRS = ("objects", "size")
RULES = SceneRules(scale=(0.13, 0.26), pace=0.007, look_alikes=0.3, occluders=1, distractors=1, leaving=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapesVideoSet:
    """What the benchmark consists of; the same settings always give the same files.

    Attributes:
        videos: how many.
        objects: fewest and most of each.
        frames: of each.
        size: (H, W).
        least: every object shows this part of the picture in the first frame.
        rules: what the scenes are like; the numbers of objects above take the place of theirs.
        version: of the drawing; another one makes other videos.
    """

    videos: int = 4
    objects: tuple[int, int] = (2, 5)
    frames: int = 24
    size: tuple[int, int] = (240, 426)
    least: float = 0.01
    rules: SceneRules = RULES
    version: int = 1

    @property
    def resolution(self) -> str:
        """Name of the folders below JPEGImages and Annotations."""
        return f"{self.size[0]}p"

    def prepare(self, folder: Path | str) -> Path:
        """Make the data set below a folder unless it is there already.

        It appears whole or not at all: a run that was stopped begins again.

        Returns:
            Its root, a folder below `folder`.
        """
        root = Path(folder) / f"shapes-v{self.version}-{self.videos}x{self.frames}-{self.resolution}"
        settings = json.dumps(asdict(self), sort_keys=True)
        if _is_whole(root, settings):
            return root
        try:
            _take_away(root, settings)
            with atomic_folder(root) as unfinished:
                self._write(unfinished)
                write_text(unfinished / MARKER, settings)
        except (OSError, ValueError):
            # Another process may have been faster; a third may hold what it made in its hands for a moment.
            if not any(_is_whole(root, settings) for _ in _moments()):
                raise
        return root

    def clips(self) -> list[Clip]:
        """The videos: the first of the held-out ones whose objects all show well at the beginning."""
        low, high = self.objects
        found: list[Clip] = []
        for number in range(self.videos):
            # Few objects, then more.
            count = low + round(number * (high - low) / max(1, self.videos - 1))
            source = ShapesClips(
                size=self.size,
                objects=(count, count),
                video_frames=self.frames,
                seed=number,
                rules=self.rules,
                held_out=True,
            )
            index = next(i for i in range(len(source)) if self._shows_all(source, i, count))
            found.append(source.render(index))
        return found

    def _shows_all(self, source: ShapesClips, index: int, count: int) -> bool:
        _, labels = source.scene(index).draw(0)
        areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
        return bool((areas >= self.least * labels.size).all())

    def _write(self, root: Path) -> None:
        names = []
        for number, clip in enumerate(self.clips(), 1):
            name = f"shapes-{number}"
            names.append(name)
            for t, (image, labels) in enumerate(zip(clip.images, clip.labels, strict=True)):
                write_png(root / "Annotations" / self.resolution / name / f"{t:05d}.png", labels)
                with atomic_path(root / "JPEGImages" / self.resolution / name / f"{t:05d}.jpg") as path:
                    Image.fromarray(image).save(path, quality=92)
        write_text(root / "ImageSets" / YEAR / "val.txt", "".join(f"{name}\n" for name in names))


def _is_whole(root: Path, settings: str) -> bool:
    """Whether a folder is the data set of some settings; the marker came into it with everything else."""
    try:
        return (root / MARKER).read_text(encoding="utf-8") == settings
    except (FileNotFoundError, NotADirectoryError):
        return False


def _moments() -> Iterator[None]:
    """Half a second, in which to look again and again."""
    for _ in range(50):
        yield
        time.sleep(0.01)


def _take_away(root: Path, settings: str) -> None:
    """Delete what stands in its place, unless another process has just put the data set there."""
    if not root.exists():
        return
    aside = Path(tempfile.mkdtemp(prefix=".shapes-", dir=root.parent))
    try:
        with contextlib.suppress(FileNotFoundError):  # another process has taken it away
            root.replace(aside)
        if _is_whole(aside, settings):
            aside.replace(root)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def prepared(folder: Path | str, **settings: Any) -> Path:
    """The root of an embedded benchmark, made on first use; see `ShapesVideoSet` for the settings."""
    pairs: dict[str, Any] = {name: tuple(settings.pop(name)) for name in PAIRS if name in settings}
    return ShapesVideoSet(**settings, **pairs).prepare(folder)
