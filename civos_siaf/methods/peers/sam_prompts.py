"""What a person drew on a frame, as a tracker of the SAM 2 family takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from civos_siaf.methods.prompt_precedence import split_effective
from civos_siaf.networks.sam_video import SamPrompt
from civos_siaf.prompts import Box, Click, MaskPrompt, Prompt, PromptKindError, Prompts, Scribble

StrokeRule = Literal["spaced", "ends"]
BACKGROUND = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StrokePoints:
    """Strokes as points, for networks that take nothing else.

    Args:
        count: of points on a stroke; a stroke with fewer places gives fewer.
        rule: "spaced": in the middles of `count` parts of equal length; "ends": evenly from end to end.

    Raises:
        ValueError: a value outside its range.

    >>> StrokePoints(count=2).of(Scribble(0, 1, [(0, 0), (8, 0)])).tolist()
    [[2.0, 0.0], [6.0, 0.0]]
    """

    count: int = 3
    rule: StrokeRule = "spaced"

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"count of points on a stroke must be 1 or more, got {self.count}")
        if self.rule not in ("spaced", "ends"):
            raise ValueError(f"rule must be spaced or ends, got {self.rule!r}")

    def of(self, stroke: Scribble) -> NDArray[np.float64]:
        """Points (N, 2) on a stroke, rows (x, y)."""
        steps = np.linalg.norm(np.diff(stroke.points, axis=0), axis=1)
        along = np.concatenate([[0.0], np.cumsum(steps)])
        if self.rule == "ends":
            places = np.linspace(0.0, 1.0, self.count) if self.count > 1 else np.array([0.5])
        else:
            places = (np.arange(self.count) + 0.5) / self.count
        x, y = (np.interp(places * along[-1], along, stroke.points[:, axis]) for axis in (0, 1))
        return np.unique(np.stack([x, y], axis=1), axis=0) if along[-1] == 0 else np.stack([x, y], axis=1)


def affected(prompts: Prompts, there: Sequence[int]) -> list[int]:
    """The objects whose masks on a frame change.

    Args:
        prompts: new ones, of one frame.
        there: objects that have a mask or prompts on it: background strokes are about them, too.
    """
    named = set(prompts.object_ids)
    return sorted((named - {BACKGROUND}) | (set(there) if BACKGROUND in named else set()))


def prompt_of(drawn: Prompts, object_id: int, strokes: StrokePoints) -> SamPrompt:
    """All that counts of the prompts of one frame for one object.

    Args:
        drawn: of one frame, in their order; those before a mask of the object do not count any more.
        object_id: of the object.
        strokes: how strokes become points; background strokes are negative ones.

    Raises:
        PromptKindError: a box after clicks or strokes.
    """
    counted = split_effective([drawn])
    for held in counted.held:
        if held.prompt.object_id == object_id:
            return SamPrompt(np.empty((0, 2), np.float32), np.empty(0, bool), mask=held.prompt.mask)
    points: list[NDArray[np.float64]] = []
    signs: list[bool] = []
    box = None
    for item in (item for prompts in counted.marks for item in prompts):
        if item.object_id not in (object_id, BACKGROUND):
            continue
        if isinstance(item, Box):
            if any(own.object_id == object_id for own in _marks_before(drawn, item)):
                raise PromptKindError(
                    f"{_where(item)}: SAM takes a box before clicks and strokes, not after them; take these "
                    "back first, or go on with clicks"
                )
            box = (item.x0, item.y0, item.x1, item.y1)
            continue
        found, sign = _points(item, strokes)
        points.append(found)
        signs += [sign] * len(found)
    rows = np.concatenate(points) if points else np.empty((0, 2))
    return SamPrompt(rows.astype(np.float32), np.array(signs, dtype=bool), box)


def refuse_without_object(prompt: SamPrompt, frame: int, object_id: int, *, seen: bool) -> None:
    """See that there is something to say what the object is: points on it, a box, a mask, or one before.

    Args:
        prompt: of the object.
        frame: its number.
        object_id: of the object.
        seen: the object has a mask on this frame.

    Raises:
        PromptKindError: there are negative points alone.
    """
    if not (seen or prompt.positive.any() or prompt.box is not None or prompt.mask is not None):
        raise PromptKindError(
            f"object {object_id} has no mask on frame {frame}: SAM takes a negative click or a background "
            "stroke only after a positive one, a box or a mask"
        )


def _points(item: Prompt, strokes: StrokePoints) -> tuple[NDArray[np.float64], bool]:
    if isinstance(item, Click):
        return np.array([[item.x, item.y]]), item.positive
    assert isinstance(item, Scribble)
    return strokes.of(item), item.object_id != BACKGROUND


def _marks_before(drawn: Prompts, box: Box) -> Prompts:
    """Clicks and strokes before a box, since the last mask of its object."""
    found: list[Prompt] = []
    for item in drawn:
        if item is box:
            break
        if isinstance(item, MaskPrompt) and item.object_id == box.object_id:
            found = []
        elif isinstance(item, Click | Scribble):
            found.append(item)
    return Prompts(tuple(found))


def _where(item: Prompt) -> str:
    return f"{type(item).__name__} on frame {item.frame} for object {item.object_id}"
