"""Names from people in paths, XML and YAML: whatever they typed, files stay valid and where they belong."""

from __future__ import annotations

import csv
import io
import logging
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from civos_siaf.app.exports.annotated_video import AnnotatedVideo, ExportedObject
from civos_siaf.runtime.files import write_text

log = logging.getLogger(__name__)

MAX_BYTES = 120
NAME_TABLE = "frame_names.csv"
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(10))})
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def safe_name(text: str, *, default: str = "video") -> str:
    """A file name from any text: letters and digits of any script, `-`, `_` and inner dots.

    >>> safe_name("../../etc/pass wd"), safe_name("лиса 1.mp4"), safe_name("...")
    ('etc_pass_wd', 'лиса_1.mp4', 'video')
    """
    plain = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8"))
    kept = "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in plain)
    kept = re.sub(r"\.{2,}", "_", kept).encode()[:MAX_BYTES].decode("utf-8", "ignore").strip("._ ")
    kept = re.sub(r"_{2,}", "_", kept)
    return f"_{kept}" if kept.partition(".")[0].lower() in _RESERVED else kept or default


def video_name(annotation: AnnotatedVideo) -> str:
    """The video's name as part of a path, without the suffix of a video file."""
    return safe_name(re.sub(r"\.(mp4|mov|mkv|avi|webm|m4v|mpe?g)$", "", annotation.name, flags=re.I))


def frame_names(annotation: AnnotatedVideo) -> list[str]:
    """A file name without suffix for every frame, all different.

    The stems of an image folder's files where they are safe and differ; otherwise the frame numbers, in as
    many digits as the last one needs, five at least.
    """
    frames = annotation.frames
    stems = [frames.name(t) for t in range(len(frames))]
    safe = all(safe_name(stem) == stem for stem in stems)
    if safe and len({stem.casefold() for stem in stems}) == len(stems) and len(stems) <= 100_000:
        return stems
    digits = max(5, len(str(len(stems) - 1)))
    return [f"{t:0{digits}d}" for t in range(len(stems))]


def write_name_table(annotation: AnnotatedVideo, folder: Path) -> None:
    """Write `frame_names.csv`, old and new names, where files are not called as the video's images are."""
    frames, names = annotation.frames, frame_names(annotation)
    old = [frames.name(t) for t in range(len(frames))]
    if old == names:
        return
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("image", "name_here"))
    rows.writerows(zip(old, names, strict=True))
    write_text(folder / NAME_TABLE, text.getvalue())
    log.warning("%s: files have other names than the images; %s lists both", annotation.name, NAME_TABLE)


def object_name(item: ExportedObject) -> str:
    """The name of an object, or "object N" where it is blank."""
    return item.name if item.name.strip() else f"object {item.id}"


def class_names(text: str) -> list[str]:
    """The names in a list of classes: one a line, or with commas where it is a single line.

    Raises:
        ValueError: a name twice.

    >>> class_names("dog, cat")
    ['dog', 'cat']
    """
    parts = text.splitlines() if "\n" in text.strip() else text.split(",")
    names = [part.strip() for part in parts if part.strip()]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"classes: {twice[0]!r} is there twice")
    return names


class Categories:
    """The classes of an annotation.

    Args:
        objects: whose names are the classes.
        by: "names": objects of one name share a class; "objects": every object is a class of its own.
        first: number of the first class.
        classes: see `class_names`; all of them are classes, numbered in this order, whichever objects there
            are. Empty: the objects' names, numbered in the order of the objects.

    Raises:
        ValueError: an object whose name `classes` does not have, or `classes` beside `by` "objects".
    """

    def __init__(self, objects: Iterable[ExportedObject], *, by: str, first: int, classes: str = "") -> None:
        fixed = class_names(classes)
        if fixed and by == "objects":
            raise ValueError("classes are names of objects, so they need categories=names")
        self.names: dict[int, str] = dict(enumerate(fixed, first))
        self.of: dict[int, int] = {}
        numbers = {name: number for number, name in self.names.items()}
        for item in sorted(objects, key=lambda item: item.id):
            name = object_name(item)
            if fixed and name not in numbers:
                raise ValueError(f"object {item.id} is called {name!r}; classes has {_listed(fixed)}")
            while by == "objects" and name in numbers:
                name = f"{name} ({item.id})"
            number = numbers.setdefault(name, first + len(numbers))
            self.names[number] = name
            self.of[item.id] = number


def _listed(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def xml_text(text: str) -> str:
    """Text between tags; signs that XML cannot hold become U+FFFD."""
    return escape(_NOT_XML.sub("\ufffd", text))


def xml_attribute(text: str) -> str:
    """An attribute's value with its quotes."""
    return quoteattr(_NOT_XML.sub("\ufffd", text))


def yaml_text(text: str) -> str:
    r"""A double-quoted YAML scalar in ASCII.

    >>> print(yaml_text('a "b" é'))
    "a \U00000022b\U00000022 \U000000e9"
    """
    plain = (sign if " " <= sign <= "~" and sign not in '"\\' else f"\\U{ord(sign):08x}" for sign in text)
    return '"' + "".join(plain) + '"'
