"""PNG files from a folder, a zip file or alone: read into memory one at a time, never unpacked to disk."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

MAX_ENTRIES = 100_000
MAX_FILE = 64 * 2**20
MAX_TOTAL = 8 * 2**30


class PictureFiles(Protocol):
    """Named PNG files."""

    @property
    def names(self) -> Sequence[str]:
        """Paths with forward slashes, for messages and to tell frames by; nothing is opened by them."""

    def read(self, index: int) -> bytes:
        """The content of one."""


def open_pictures(path: Path) -> PictureFiles:
    """The PNGs of a folder, of a zip file, or the one file.

    Raises:
        FileNotFoundError: nothing there.
        ValueError: no PNG in it, a damaged zip file, or more than the limits allow.
    """
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if _is_png(file.relative_to(path).as_posix()))
        return _Folder(path, files)
    if not path.is_file():
        raise FileNotFoundError(f"no masks at {path}")
    with path.open("rb") as file:
        head = file.read(8)
    if head == b"\x89PNG\r\n\x1a\n":
        return _Folder(path.parent, [path])
    if head[:2] == b"PK":
        return _Zip(path)
    raise ValueError(f"{path.name}: neither a PNG nor a zip file of PNGs")


def _is_png(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return name.lower().endswith(".png") and not hidden


@dataclass(frozen=True)
class _Folder:
    root: Path
    files: list[Path]

    def __post_init__(self) -> None:
        _check_count(str(self.root), len(self.files))

    @property
    def names(self) -> Sequence[str]:
        return [file.relative_to(self.root).as_posix() for file in self.files]

    def read(self, index: int) -> bytes:
        file = self.files[index]
        with file.open("rb") as opened:
            return _limited(file.name, opened.read(MAX_FILE + 1))


class _Zip:
    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._archive = zipfile.ZipFile(path)  # open as long as this lives: its list is read once
            entries = self._archive.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise ValueError(f"{path.name}: a damaged zip file ({error})") from error
        if len(entries) > MAX_ENTRIES:
            raise ValueError(f"{path.name}: {len(entries)} entries, at most {MAX_ENTRIES} are read")
        self._entries = [entry for entry in entries if not entry.is_dir() and _is_png(entry.filename)]
        self._entries.sort(key=lambda entry: entry.filename)
        _check_count(path.name, len(self._entries))
        total = sum(entry.file_size for entry in self._entries)
        if total > MAX_TOTAL:
            raise ValueError(f"{path.name}: {total / 2**30:.1f} GiB unpacked, at most {MAX_TOTAL >> 30} GiB")

    @property
    def names(self) -> Sequence[str]:
        return [entry.filename for entry in self._entries]

    def read(self, index: int) -> bytes:
        entry = self._entries[index]
        if entry.file_size > MAX_FILE:
            raise ValueError(f"{entry.filename}: larger than {MAX_FILE >> 20} MiB")
        try:
            with self._archive.open(entry) as opened:
                return _limited(entry.filename, opened.read(MAX_FILE + 1))
        except (
            zipfile.BadZipFile,
            zlib.error,
            OSError,
            EOFError,
            RuntimeError,
            NotImplementedError,
        ) as error:
            raise ValueError(f"{self._path.name}: {entry.filename} cannot be read ({error})") from error


def _check_count(what: str, count: int) -> None:
    if count == 0:
        raise ValueError(f"{what}: no PNG in it")
    if count > MAX_ENTRIES:
        raise ValueError(f"{what}: {count} PNGs, at most {MAX_ENTRIES} are read")


def _limited(name: str, data: bytes) -> bytes:
    if len(data) > MAX_FILE:
        raise ValueError(f"{name}: larger than {MAX_FILE >> 20} MiB")
    return data
