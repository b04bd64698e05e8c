"""Masks that somebody made elsewhere, and the actions that they become."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from civos_siaf.app.document.actions import MAX_NAME, MAX_OBJECTS
from civos_siaf.masks import to_rle
from civos_siaf.protocol import Labels
from civos_siaf.video.frames import Frames

_NUMBER = re.compile(r"\d+", re.ASCII)
_VERSION = re.compile(r"(?<![A-Za-z])[vV]\d+(?![0-9A-Za-z])", re.ASCII)
"""As in `frame_0001_v2`, which is a version of frame 1."""


class AmbiguousMasksError(ValueError):
    """Masks can be read in several ways; the message says what was found.

    Attributes:
        option: the argument of `read_masks` that says which way is right.
        choices: what it can be, with a few words for each.
    """

    def __init__(self, message: str, option: str, choices: Mapping[str, str]) -> None:
        super().__init__(message)
        self.option = option
        self.choices = dict(choices)


def with_file_name(file: str, error: ValueError) -> ValueError:
    """The same error with the file's name before its message."""
    message = f"{file}: {error}"
    if isinstance(error, AmbiguousMasksError):
        return AmbiguousMasksError(message, error.option, error.choices)
    return ValueError(message)


def frame_numbers(names: Sequence[str], frames: Frames, *, first: int | None = None) -> tuple[list[int], str]:
    """The frame of every file, and a sentence that says how the names were read, or "".

    Tried in this order: the names of the video's images, alone or with something before or after them; the
    numbers in the names of the video's images; numbers counted from `first`.

    Args:
        names: of the files, with or without folders and suffix.
        frames: the video.
        first: the number in the name of frame 0's file; None: 0, or 1 where only that fits.

    Raises:
        ValueError: a name without a number, a frame beyond the video, two files of one frame, or numbers that
            can be counted from 0 as well as from 1.
    """
    stems = [PurePosixPath(name).stem for name in names]
    note = ""
    if first is None and frames.has_file_names and (found := _by_image_name(stems, frames)):
        numbers = found
    else:
        values = [_value(name, found) for name, found in zip(names, _number_fields(stems), strict=True)]
        numbers, note = _from_values(values, frames, first)
    seen: dict[int, str] = {}
    for name, number in zip(names, numbers, strict=True):
        if not 0 <= number < len(frames):
            hint = "; counted from 1? first=1" if first is None and number == len(frames) else ""
            raise ValueError(f"{name}: frame {number}, the video has frames 0 to {len(frames) - 1}{hint}")
        if number in seen:
            raise ValueError(f"{seen[number]} and {name} are both of frame {number}")
        seen[number] = name
    return numbers, note


def _by_image_name(stems: Sequence[str], frames: Frames) -> list[int]:
    """Frames by the names of the video's images; empty: not every file carries exactly one."""
    known = {frames.name(t): t for t in range(len(frames))}
    if all(stem in known for stem in stems):
        return [known[stem] for stem in stems]
    numbers = []
    for stem in stems:
        ends = [m.start() for m in re.finditer(r"[^0-9A-Za-z]", stem)]
        parts = [stem, *(stem[:end] for end in ends), *(stem[end + 1 :] for end in ends)]
        if len(found := {known[part] for part in parts if part in known}) != 1:
            return []
        numbers.append(found.pop())
    return numbers


def _number_fields(stems: Sequence[str]) -> list[str | None]:
    """The digits of every name that count its frame: those that differ between files, else the last ones."""
    plain = [_VERSION.sub("", stem) if _NUMBER.search(_VERSION.sub("", stem)) else stem for stem in stems]
    fields = [_NUMBER.findall(stem) for stem in plain]
    texts = {tuple(_NUMBER.split(stem)) for stem in plain}
    if len(texts) == 1 and len(stems) > 1:
        different = [place for place, column in enumerate(zip(*fields, strict=True)) if len(set(column)) > 1]
        if len(different) == 1:
            return [row[different[0]] for row in fields]
    return [row[-1] if row else None for row in fields]


def _value(name: str, digits: str | None) -> int:
    if digits is None or len(digits) > 9:
        raise ValueError(f"{name}: its name says no frame number")
    return int(digits)


def _from_values(values: Sequence[int], frames: Frames, first: int | None) -> tuple[list[int], str]:
    """Frames from the numbers in names, and how they were read."""
    total = len(frames)
    if first is not None:
        return [value - first for value in values], f"counted from {first}"
    if frames.has_file_names:
        fields = _number_fields([frames.name(t) for t in range(total)])
        own = {int(field): t for t, field in enumerate(fields) if field is not None and len(field) < 10}
        if len(own) == total and all(value in own for value in values):
            return [own[value] for value in values], "by the numbers in the names of the images"
    low, high = min(values), max(values)
    if low >= 1 and high == total and len(values) > 1:
        return [value - 1 for value in values], f"counted from 1, as the video has {total} frames"
    if low == 1 and 1 < len(values) == high < total:
        raise AmbiguousMasksError(
            f"files 1 to {high}, but none of 0 and none of {total}: say whether they are counted from 0 "
            "(first=0) or from 1 (first=1)",
            "first",
            {"0": "Counted from 0", "1": "Counted from 1"},
        )
    return list(values), "" if low == 0 else "counted from 0"


@dataclass(frozen=True)
class Imported:
    """Masks for some frames of a video; every file was looked at once, and is read again when asked for.

    Attributes:
        frames: those with masks, ascending.
        names: of the objects, by their number in the labels; None where there is no name.
        labels: gives the label map (H, W) of one of the frames.
        notes: what was taken where files can be read in several ways; for the person who imports.
    """

    frames: tuple[int, ...]
    names: Mapping[int, str | None]
    labels: Callable[[int], Labels]
    notes: tuple[str, ...] = ()


def object_actions(imported: Imported) -> Iterator[tuple[int, dict[str, object]]]:
    """For every object its number in the import, and the action that adds it to a project."""
    for number, name in sorted(imported.names.items()):
        action: dict[str, object] = {"type": "add_object"}
        plain = "".join(sign for sign in name or "" if sign.isprintable()).strip()[:MAX_NAME].strip()
        yield number, action | ({"name": plain} if plain else {})


def mask_actions(
    imported: Imported, numbers: Mapping[int, int] | None = None, *, frames: Collection[int] | None = None
) -> Iterator[dict[str, object]]:
    """The actions that draw the masks, frame by frame.

    Args:
        imported: the masks.
        numbers: the project's object for every object of the import; None: the same numbers.
        frames: only these.
    """
    for frame in imported.frames:
        if frames is not None and frame not in frames:
            continue
        labels = imported.labels(frame)
        for number in np.unique(labels[labels > 0]).tolist():
            target = number if numbers is None else numbers[number]
            yield {"type": "mask", "frame": frame, "object": target, "rle": to_rle(labels == number)}


def check_number_of_objects(what: str, count: int) -> None:
    """Refuse more objects than a project holds, or none.

    Raises:
        ValueError: `count` is 0 or above 254.
    """
    if count == 0:
        raise ValueError(f"{what}: there is no mask in it")
    if count > MAX_OBJECTS:
        raise ValueError(f"{what}: {count} objects, a project has at most {MAX_OBJECTS}")
