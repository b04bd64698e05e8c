"""Which frame a file is of, by its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from civos_siaf.frames import Frames


def frame_numbers(names: Sequence[str], frames: Frames) -> list[int]:
    """The frame of every file: by the frames' names if all files have one, else by its last number.

    Raises:
        ValueError: a name without a number, a frame beyond the video, or two files of one frame.
    """
    stems = [PurePosixPath(name).stem for name in names]
    known = {frames.name(t): t for t in range(len(frames))}
    if all(stem in known for stem in stems):
        numbers = [known[stem] for stem in stems]
    else:
        numbers = [_last_number(name, stem) for name, stem in zip(names, stems, strict=True)]
    seen: dict[int, str] = {}
    for name, number in zip(names, numbers, strict=True):
        if number >= len(frames):
            raise ValueError(f"{name}: frame {number}, the video has frames 0 to {len(frames) - 1}")
        if number in seen:
            raise ValueError(f"{seen[number]} and {name} are both of frame {number}")
        seen[number] = name
    return numbers


def _last_number(name: str, stem: str) -> int:
    found = re.findall(r"\d+", stem, re.ASCII)
    if not found or len(found[-1]) > 9:
        raise ValueError(f"{name}: its name says no frame number")
    return int(found[-1])
