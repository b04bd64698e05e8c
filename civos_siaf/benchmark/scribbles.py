"""DAVIS scribble files: strokes in fractions of the frame, one list of lines per frame.

Source: docs/specification/davis-interactive.md section 2.

The robot divides pixels by (W, H); the helpers here multiply by (W-1, H-1) and truncate, as the original
does. Both are kept, or every rendered scribble would change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from civos_siaf.benchmark.robot import Stroke
from civos_siaf.prompts import Prompts, Scribble
from civos_siaf.prompts.strokes import bezier, draw
from civos_siaf.prompts.types import EDGE
from civos_siaf.runtime.text_files import read_text

RIM = 0.008
"""How far outside 0..1 a fraction may be: the rim of the pixels at the edge, in pictures above 63 pixels."""


class ScribbleLine(TypedDict):
    """One stroke: `path` holds [x, y] as fractions of width and height; object 0 is background."""

    path: list[list[float]]
    object_id: int
    start_time: float
    end_time: float


class Scribbles(TypedDict):
    """The strokes of a sequence: `scribbles[t]` lists the lines of frame t."""

    scribbles: list[list[ScribbleLine]]
    sequence: str


def empty(sequence: str, num_frames: int) -> Scribbles:
    """Scribbles without a line."""
    return {"scribbles": [[] for _ in range(num_frames)], "sequence": sequence}


def load(path: Path | str, *, sequence: str, num_frames: int) -> Scribbles:
    """Read and check a scribble file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not JSON, another sequence or number of frames, or a line that is not one; the message
            names the file and the place.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no scribble file at {path}")
    try:
        content = json.loads(read_text(path))
    except ValueError as error:
        raise ValueError(f"{path}: not a JSON file ({error})") from error
    if not isinstance(content, dict) or not isinstance(content.get("scribbles"), list):
        raise ValueError(f"{path}: expected an object with a list 'scribbles'")
    if content.get("sequence") != sequence:
        raise ValueError(f"{path}: holds sequence {content.get('sequence')!r}, expected {sequence!r}")
    frames = content["scribbles"]
    if len(frames) != num_frames:
        raise ValueError(f"{path}: holds {len(frames)} frames, the sequence has {num_frames}")
    for frame, lines in enumerate(frames):
        for number, line in enumerate(lines if isinstance(lines, list) else [None]):
            _check_line(line, f"{path}: frame {frame}, line {number}")
    return {"scribbles": frames, "sequence": sequence}


def renumbered(scribbles: Scribbles, numbers: Sequence[int], path: Path) -> Scribbles:
    """Scribbles whose lines are of objects 1..K, from lines of the objects `numbers`; 0 stays.

    Raises:
        ValueError: a line of another object; names the file.
    """
    new = {0: 0, **{number: place for place, number in enumerate(numbers, 1)}}
    frames: list[list[ScribbleLine]] = []
    for lines in scribbles["scribbles"]:
        for line in lines:
            if line["object_id"] not in new:
                found = f"a line of object {line['object_id']}"
                raise ValueError(f"{path}: {found}, the masks have {list(numbers)}")
        frames.append([{**line, "object_id": new[line["object_id"]]} for line in lines])
    return {"scribbles": frames, "sequence": scribbles["sequence"]}


def _check_line(line: Any, place: str) -> None:
    if not isinstance(line, Mapping) or not {"path", "object_id"} <= line.keys():
        raise ValueError(f"{place}: expected an object with 'path' and 'object_id'")
    if not isinstance(line["object_id"], int) or line["object_id"] < 0:
        raise ValueError(f"{place}: object_id must be a whole number from 0, got {line['object_id']!r}")
    try:
        points = np.array(line["path"], dtype=np.float64)
    except (TypeError, ValueError):
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError(f"{place}: path must be a list of [x, y] numbers with at least one point")
    if points.min() < -RIM or points.max() > 1 + RIM:
        worst = float(points.max() if points.max() > 1 else points.min())
        raise ValueError(
            f"{place}: {worst:g} is no fraction of width or height, 0 to 1; divide pixels by (width, height)"
        )


def from_strokes(
    strokes: Mapping[int, Sequence[Stroke]], *, sequence: str, num_frames: int, times: tuple[float, float]
) -> Scribbles:
    """The robot's strokes, by frame, as scribbles; `times` are start and end in seconds."""
    scribbles = empty(sequence, num_frames)
    for frame, lines in strokes.items():
        scribbles["scribbles"][frame] = [
            ScribbleLine(
                path=line.path.tolist(), object_id=line.object_id, start_time=times[0], end_time=times[1]
            )
            for line in lines
        ]
    return scribbles


def fuse(first: Scribbles, second: Scribbles) -> Scribbles:
    """Per frame the lines of the first, then those of the second.

    Raises:
        ValueError: different sequences or numbers of frames.
    """
    sizes = len(first["scribbles"]), len(second["scribbles"])
    names = first["sequence"], second["sequence"]
    if len(set(sizes)) > 1 or len(set(names)) > 1:
        raise ValueError(f"scribbles of {names} with {sizes} frames cannot be fused")
    both = zip(first["scribbles"], second["scribbles"], strict=True)
    return {"scribbles": [a + b for a, b in both], "sequence": first["sequence"]}


def copied(scribbles: Scribbles) -> Scribbles:
    """A copy that can be changed freely."""
    frames: list[list[ScribbleLine]] = [
        [{**line, "path": [point[:] for point in line["path"]]} for line in lines]
        for lines in scribbles["scribbles"]
    ]
    return {"scribbles": frames, "sequence": scribbles["sequence"]}


def annotated_frames(scribbles: Scribbles, object_id: int | None = None) -> list[int]:
    """Frames with at least one line, of one object if it is given."""
    return [
        frame
        for frame, lines in enumerate(scribbles["scribbles"])
        if any(object_id is None or line["object_id"] == object_id for line in lines)
    ]


def to_prompts(scribbles: Scribbles, *, height: int, width: int) -> Prompts:
    """The lines as prompts in pixels, not yet truncated.

    Raises:
        ValueError: a point outside the picture, whose rim is half a pixel wide, as for clicks.
    """
    return Prompts(
        tuple(
            Scribble(frame, line["object_id"], _in_pixels(line, frame, height=height, width=width))
            for frame, lines in enumerate(scribbles["scribbles"])
            for line in lines
        )
    )


def _in_pixels(line: ScribbleLine, frame: int, *, height: int, width: int) -> NDArray[np.float64]:
    points = np.array(line["path"], dtype=np.float64) * (width - 1, height - 1)
    outside = (points < -EDGE) | (points > (width - EDGE, height - EDGE))
    if outside.any():
        x, y = points[outside.any(axis=1)][0]
        raise ValueError(
            f"scribbles: frame {frame}, object {line['object_id']}: the point ({x:g}, {y:g}) lies outside "
            f"the {width}x{height} picture"
        )
    return points


def to_labels(
    scribbles: Scribbles,
    *,
    height: int,
    width: int,
    empty: int = -1,
    joined: bool = True,
    curved: bool = False,
) -> NDArray[np.int16]:
    """Label maps (T, H, W): the object number under each line, `empty` elsewhere; later lines win.

    Args:
        scribbles: the lines.
        height: H.
        width: W.
        empty: label of pixels without a line.
        joined: connect consecutive points by lines.
        curved: first replace each line by its Bezier curve.

    Raises:
        ValueError: H or W below 1, or a point outside the picture.
    """
    if height < 1 or width < 1:
        raise ValueError(f"the size must be at least 1x1, got {width}x{height}")
    maps = []
    for frame, lines in enumerate(scribbles["scribbles"]):
        for line in lines:
            _in_pixels(line, frame, height=height, width=width)
        paths = [np.array(line["path"], dtype=np.float64) for line in lines]
        if curved:
            paths = [bezier(path) for path in paths]
        drawn = [
            Scribble(frame, line["object_id"], path * (width - 1, height - 1))
            for line, path in zip(lines, paths, strict=True)
        ]
        maps.append(draw(drawn, height=height, width=width, empty=empty, joined=joined))
    return np.stack(maps)


def to_points(
    scribbles: Scribbles, *, size: tuple[int, int] | None = None, swapped: bool = False
) -> tuple[NDArray[np.generic], NDArray[np.int64]]:
    """All points as rows (frame, x, y), and their object numbers.

    Args:
        scribbles: the lines.
        size: (H, W) turns fractions into whole pixels; None leaves them.
        swapped: scale x by the height and y by the width, as the original toolkit does by mistake.
    """
    rows = [
        (frame, x, y, line["object_id"])
        for frame, lines in enumerate(scribbles["scribbles"])
        for line in lines
        for x, y in line["path"]
    ]
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    points, ids = table[:, :3], table[:, 3].astype(np.int64)
    if size is None:
        return points, ids
    height, width = size
    scale = (1, height - 1, width - 1) if swapped else (1, width - 1, height - 1)
    return (points * scale).astype(np.int64), ids
