"""Label maps on disk by version: masks/<version>/<frame>.png, complete or not there at all."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import threading
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from civos_siaf.masks import davis_palette, read_png
from civos_siaf.protocol import Labels

_PALETTE = davis_palette().tobytes()
_UNFINISHED = ".unfinished-"
_TOGETHER = 16
VERSION = re.compile(r"[ar][1-9][0-9]{0,9}", re.ASCII)
"""Names of versions: a for an answer, r for a round, and the number of the action."""


class MissingMasksError(ValueError):
    """Label maps that a project has made are not on disk."""


class MaskFiles:
    """All versions of a project.

    Args:
        folder: made when something is written.
        size: (H, W) of every label map.
    """

    def __init__(self, folder: Path, size: tuple[int, int]) -> None:
        self.folder = folder
        self.size = size
        self._waits = False
        self._unsynced: list[Path] = []
        self._pinned: Counter[str] = Counter()
        self._doomed: set[str] = set()  # pinned ones that were to be deleted
        self._lock = threading.RLock()  # the collector may unpin in the midst of it

    @contextlib.contextmanager
    def later(self) -> Iterator[None]:
        """Versions finished inside are only on disk after `settle`."""
        self._waits = True
        try:
            yield
        finally:
            self._waits = False

    def settle(self) -> None:
        """Make sure that the versions finished `later` are on disk.

        Raises:
            OSError: they are not; it can be tried again.
        """
        if self._unsynced:
            folders = [folder for folder in self._unsynced if folder.is_dir()]  # some may be swept away
            sync_all([path for folder in folders for path in (*folder.iterdir(), folder)])
            sync(self.folder)
            self._unsynced.clear()

    def name(self, folder: Path, version: str) -> None:
        """Give a version that is written its name, when everything is on disk."""
        target = self.folder / version
        if not self._waits:
            sync_all([*folder.iterdir(), folder])
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
        if self._waits:
            self._unsynced.append(target)
        else:
            sync(self.folder)

    def read(self, version: str, frame: int) -> Labels | None:
        """Labels (H, W) of a frame; None where that version has none, or it is no version at all."""
        if not VERSION.fullmatch(version):  # it may come from a browser, and becomes part of a path
            return None
        try:
            return read_png(self._path(version, frame))
        except FileNotFoundError:
            return None

    def text(self, version: str, name: str) -> str | None:
        """A further file of a version; None where there is none."""
        try:
            return (self.folder / version / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def write(self, version: str, labels: Mapping[int, Labels]) -> None:
        """Write a version of a few frames, in one piece.

        Raises:
            OSError: it could not be written; then there is nothing of it.
        """
        writer = self.writer(version)
        try:
            for frame, map_ in labels.items():
                writer.put(frame, map_)
            writer.finish()
        except BaseException:
            writer.abandon()
            raise

    def writer(self, version: str, *, like: str | None = None) -> VersionWriter:
        """Write a version frame by frame; frames equal to those of the version `like` share their files."""
        return VersionWriter(self, version, like)

    def pin(self, versions: Iterable[str]) -> None:
        """Keep versions on disk until they are unpinned as often; not beyond this process."""
        with self._lock:
            self._pinned.update(versions)

    def unpin(self, versions: Iterable[str]) -> None:
        """Take back one `pin`; what was to be deleted meanwhile is."""
        with self._lock:
            self._pinned.subtract(versions)
            self._pinned = +self._pinned
            free = self._doomed - self._pinned.keys()
            self._doomed -= free
        self._delete(free)

    def sweep(self, keep: Collection[str]) -> None:
        """Delete what was never finished, and all versions but these; pinned ones when they are unpinned."""
        if self._waits or not self.folder.is_dir():  # what is on disk may still need them
            return
        names = {path.name for path in self.folder.iterdir()}
        ours = {name for name in names if VERSION.fullmatch(name) or name.startswith(_UNFINISHED)}
        with self._lock:
            gone = ours.difference(keep)
            self._doomed = gone & self._pinned.keys()
            gone -= self._doomed
        self._delete(gone)

    def _delete(self, names: Iterable[str]) -> None:
        for name in names:
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def _path(self, version: str, frame: int) -> Path:
        return self.folder / version / f"{frame:05d}.png"


class VersionWriter:
    """A version being written; it gets its name when it is complete."""

    def __init__(self, files: MaskFiles, version: str, like: str | None) -> None:
        self._files = files
        self._like = like
        self._target = files.folder / version
        self._folder = files.folder / f"{_UNFINISHED}{version}"
        self._sums: dict[int, int] = {}
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)

    def put(self, frame: int, labels: Labels) -> None:
        """Write a frame, unless these labels were written for it already.

        Raises:
            ValueError: not (H, W) uint8 of the video's size.
        """
        if labels.shape != self._files.size or labels.dtype != np.uint8:
            raise ValueError(
                f"labels of frame {frame} are {labels.shape} {labels.dtype}, expected "
                f"{self._files.size} uint8"
            )
        checksum = zlib.crc32(np.ascontiguousarray(labels).data)
        if self._sums.get(frame) == checksum:
            return
        data = encode_png(labels)
        path = self._folder / f"{frame:05d}.png"
        temporary = path.with_suffix(".new")
        if not self._share(frame, data, temporary):
            temporary.write_bytes(data)
        temporary.replace(path)
        self._sums[frame] = checksum

    def read(self, frame: int) -> Labels | None:
        """Labels of a frame if they are written."""
        if frame not in self._sums:
            return None
        for folder in (self._folder, self._target):
            try:
                return read_png(folder / f"{frame:05d}.png")
            except FileNotFoundError:
                continue
        return None

    @property
    def frames(self) -> tuple[int, ...]:
        """The frames that are written."""
        return tuple(sorted(self._sums))

    def add(self, name: str, text: str) -> None:
        """Write a further file of the version."""
        (self._folder / name).write_text(text, encoding="utf-8")

    def finish(self) -> None:
        """Give the version its name, when everything is on disk, or inside `MaskFiles.later`."""
        self._files.name(self._folder, self._target.name)

    def abandon(self) -> None:
        """Delete what was written."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _share(self, frame: int, data: bytes, target: Path) -> bool:
        """Link to the file of the version before, if it is the same."""
        if self._like is None:
            return False
        source = self._files.folder / self._like / f"{frame:05d}.png"
        try:
            if source.stat().st_size != len(data) or source.read_bytes() != data:
                return False
            target.unlink(missing_ok=True)
            os.link(source, target)
        except OSError:  # no such file, or a file system without links
            return False
        return True


def encode_png(labels: Labels) -> bytes:
    """Labels (H, W) as an indexed PNG with the palette of DAVIS."""
    image = Image.fromarray(labels)
    image.putpalette(_PALETTE)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def sync_all(paths: Sequence[Path]) -> None:
    """Make sure that files and folders are on disk; many at a time, as a disk then takes them together."""
    if len(paths) <= _TOGETHER:
        for path in paths:
            sync(path)
        return
    with ThreadPoolExecutor(_TOGETHER) as pool:
        for _ in pool.map(sync, paths):
            pass


def sync(path: Path) -> None:
    """Make sure that a file, or the names in a folder, are on disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
