"""Which files of a folder are images or masks, and in which order: the one rule of the whole package.

Runs of digits compare as numbers (`frame2` before `frame10`, `9` before `10`), so that names with and without
leading zeros are in the order of time. Hidden files, `._name` of macOS among them, are no images. A suffix
counts in any case.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
MASK_SUFFIXES = frozenset({".png"})

_DIGITS = re.compile(r"([0-9]+)")


def natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key that compares runs of digits as numbers; names of equal numbers by their text.

    >>> sorted(["10", "9", "a10", "a9", "09"], key=natural_key)
    ['09', '9', '10', 'a9', 'a10']
    """
    pieces = _DIGITS.split(name)
    key = [_number(part) if place % 2 else (1, 0, part) for place, part in enumerate(pieces) if part]
    return key, name


def _number(digits: str) -> tuple[int, int, str]:
    plain = digits.lstrip("0")
    return 0, len(plain), plain  # as int(digits), which refuses numbers of thousands of digits


def in_order(names: Iterable[str]) -> list[str]:
    """Names in natural order."""
    return sorted(names, key=natural_key)


def is_image_name(name: str, suffixes: Collection[str] = IMAGE_SUFFIXES) -> bool:
    """Whether a file of this name counts: not hidden, and with one of the suffixes in any case."""
    return not name.startswith(".") and Path(name).suffix.lower() in suffixes


def image_files(folder: Path, suffixes: Collection[str] = IMAGE_SUFFIXES) -> list[Path]:
    """The images of a folder in natural order of their names without suffix.

    Raises:
        ValueError: two files differ only in their suffix, so that one frame would be counted twice.
    """
    return list(by_stem(folder, suffixes).values())


def by_stem(folder: Path, suffixes: Collection[str] = IMAGE_SUFFIXES) -> dict[str, Path]:
    """The images of a folder by their names without suffix, in natural order; see `image_files`."""
    paths = (path for path in folder.iterdir() if is_image_name(path.name, suffixes) and path.is_file())
    found: dict[str, Path] = {}
    for path in sorted(paths, key=lambda path: (natural_key(path.stem), path.name)):
        if (other := found.setdefault(path.stem, path)) is not path:
            raise ValueError(
                f"{folder}: {other.name} and {path.name} would be one frame twice; keep one of the two kinds"
            )
    return found


def file_beside(folder: Path, stem: str, suffixes: Collection[str]) -> Path | None:
    """The file of a name with one of the suffixes in any case; None: there is none.

    `suffixes` are tried in their order in lower case before the folder is listed, which is slow.
    """
    for suffix in suffixes:
        if (usual := folder / f"{stem}{suffix}").is_file():
            return usual
    if not folder.is_dir():
        return None
    names = (path for path in folder.iterdir() if path.stem == stem and is_image_name(path.name, suffixes))
    return min(names, default=None)
