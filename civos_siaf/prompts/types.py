"""What a person, or the robot, drew: on which frame, for which object.

Coordinates are (x, y) in pixels of the frame, origin top left, pixel centres at integers. Object numbers are
1..K; 0 is the background and stands only in scribbles.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

EDGE = 0.5
"""From the centre of a pixel to its edge."""


def _check(frame: int, object_id: int, *, least: int) -> None:
    if frame < 0:
        raise ValueError(f"frame must be 0 or more, got {frame}")
    if object_id < least:
        raise ValueError(f"object_id must be {least} or more, got {object_id}")


def _check_finite(**values: float) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} must be a finite number of pixels, got {value}")


class PromptKindError(ValueError):
    """A method was given a kind of prompt that it does not take."""


@dataclass(frozen=True, slots=True)
class Click:
    """A point that belongs to an object (`positive`) or does not.

    Raises:
        ValueError: a negative frame, an object number below 1, or a coordinate that is not finite.
    """

    frame: int
    object_id: int
    x: float
    y: float
    positive: bool = True

    def __post_init__(self) -> None:
        _check(self.frame, self.object_id, least=1)
        _check_finite(x=self.x, y=self.y)


@dataclass(frozen=True, slots=True, eq=False)
class Scribble:
    """A stroke through `points` (N, 2), rows (x, y), N >= 1; object 0 marks background for every object.

    Raises:
        ValueError: no point, another shape, a coordinate that is not finite, or a number below 0.
    """

    frame: int
    object_id: int
    points: NDArray[np.float64]

    def __init__(self, frame: int, object_id: int, points: ArrayLike) -> None:
        _check(frame, object_id, least=0)
        path = np.array(points, dtype=np.float64)
        if path.ndim != 2 or path.shape[1] != 2 or len(path) == 0:
            raise ValueError(f"points must have shape (N, 2) with N >= 1, got {path.shape}")
        if not np.isfinite(path).all():
            raise ValueError("points must be finite numbers of pixels")
        path.flags.writeable = False
        object.__setattr__(self, "frame", frame)
        object.__setattr__(self, "object_id", object_id)
        object.__setattr__(self, "points", path)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Scribble)
            and (self.frame, self.object_id) == (other.frame, other.object_id)
            and np.array_equal(self.points, other.points)
        )

    def __hash__(self) -> int:
        return hash((self.frame, self.object_id, self.points.tobytes()))


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle around an object, corners (x0, y0) and (x1, y1) included, x0 <= x1 and y0 <= y1."""

    frame: int
    object_id: int
    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        _check(self.frame, self.object_id, least=1)
        _check_finite(x0=self.x0, y0=self.y0, x1=self.x1, y1=self.y1)
        if self.x0 > self.x1 or self.y0 > self.y1:
            raise ValueError(f"a box needs x0 <= x1 and y0 <= y1, got {(self.x0, self.y0, self.x1, self.y1)}")


@dataclass(frozen=True, slots=True, eq=False)
class MaskPrompt:
    """A mask (H, W) of one object, given as it is (an import, or a correction by brush)."""

    frame: int
    object_id: int
    mask: NDArray[np.bool_]

    def __init__(self, frame: int, object_id: int, mask: ArrayLike) -> None:
        _check(frame, object_id, least=1)
        pixels = np.array(mask, dtype=bool)
        if pixels.ndim != 2:
            raise ValueError(f"mask must have shape (H, W), got {pixels.shape}")
        pixels.flags.writeable = False
        object.__setattr__(self, "frame", frame)
        object.__setattr__(self, "object_id", object_id)
        object.__setattr__(self, "mask", pixels)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, MaskPrompt)
            and (self.frame, self.object_id) == (other.frame, other.object_id)
            and np.array_equal(self.mask, other.mask)
        )

    def __hash__(self) -> int:
        return hash((self.frame, self.object_id, self.mask.tobytes()))


Prompt: TypeAlias = Click | Scribble | Box | MaskPrompt


@dataclass(frozen=True, slots=True)
class Prompts:
    """An ordered collection of prompts; the order is that of drawing and can matter to a method.

    >>> prompts = Prompts((Click(3, 1, x=10, y=20), Click(5, 2, x=4, y=4)))
    >>> prompts.frames, len(prompts.on(3))
    ((3, 5), 1)
    """

    items: tuple[Prompt, ...] = ()

    def __iter__(self) -> Iterator[Prompt]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __add__(self, other: Prompts) -> Prompts:
        return Prompts(self.items + other.items)

    @property
    def frames(self) -> tuple[int, ...]:
        """The prompted frames, ascending, each once."""
        return tuple(sorted({item.frame for item in self.items}))

    @property
    def object_ids(self) -> tuple[int, ...]:
        """The objects named by a prompt, ascending, background (0) included where it was scribbled."""
        return tuple(sorted({item.object_id for item in self.items}))

    @property
    def clicks(self) -> tuple[Click, ...]:
        """The clicks, in order."""
        return tuple(item for item in self.items if isinstance(item, Click))

    @property
    def scribbles(self) -> tuple[Scribble, ...]:
        """The scribbles, in order."""
        return tuple(item for item in self.items if isinstance(item, Scribble))

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The boxes, in order."""
        return tuple(item for item in self.items if isinstance(item, Box))

    @property
    def masks(self) -> tuple[MaskPrompt, ...]:
        """The mask prompts, in order."""
        return tuple(item for item in self.items if isinstance(item, MaskPrompt))

    def on(self, frame: int) -> Prompts:
        """The prompts of one frame."""
        return Prompts(tuple(item for item in self.items if item.frame == frame))

    def of(self, object_id: int) -> Prompts:
        """The prompts of one object."""
        return Prompts(tuple(item for item in self.items if item.object_id == object_id))

    def check(self, *, num_frames: int, height: int, width: int, num_objects: int) -> None:
        """Refuse prompts that do not fit a video.

        Raises:
            ValueError: names the first prompt whose frame, object, position or mask size is outside.
        """
        for item in self.items:
            if item.frame >= num_frames:
                raise ValueError(f"{item!r}: the video has frames 0..{num_frames - 1}")
            if item.object_id > num_objects:
                raise ValueError(f"{item!r}: the session has objects 1..{num_objects}")
            if isinstance(item, MaskPrompt) and item.mask.shape != (height, width):
                raise ValueError(
                    f"mask of object {item.object_id} has size {item.mask.shape}, "
                    f"the frames have {(height, width)}"
                )
            check_position(item, height=height, width=width)


def check_position(item: Prompt, *, height: int, width: int) -> None:
    """Refuse a prompt that leaves the frame; pixels are squares, so 127.4 of 128 is inside.

    Raises:
        ValueError: names the prompt.
    """
    xy = _positions(item)
    if ((xy < -EDGE) | (xy > (width - EDGE, height - EDGE))).any():
        raise ValueError(f"{item!r}: outside the frame of {width}x{height} pixels")


def _positions(item: Prompt) -> NDArray[np.float64]:
    """All coordinates of a prompt, (N, 2)."""
    if isinstance(item, Click):
        return np.array([[item.x, item.y]])
    if isinstance(item, Scribble):
        return item.points
    if isinstance(item, Box):
        return np.array([[item.x0, item.y0], [item.x1, item.y1]])
    return np.empty((0, 2))
