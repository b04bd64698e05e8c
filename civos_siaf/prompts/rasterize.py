"""Prompts on a frame as a map of numbers, as networks of several frames see them.

Source: docs/specification/siaf.md section 2.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from civos_siaf.prompts import Click, Prompt, Scribble
from civos_siaf.prompts.strokes import CLICK_REACH, STROKE_REACH, footprint

NOT_DRAWN = -1
"""Where nothing was drawn."""


def rasterize_prompts(
    prompts: Iterable[Prompt],
    size: tuple[int, int],
    *,
    scale: tuple[float, float] = (1.0, 1.0),
    previous: NDArray[np.uint8] | None = None,
) -> NDArray[np.int16]:
    """Object numbers under strokes and clicks, 0 under negative ones, -1 elsewhere; later ones overwrite.

    A negative click says that a place is not object k, not what it is. It becomes a negative mark, except
    where another object is marked, or where the previous labels have another object: there it says nothing
    new.

    Args:
        prompts: of one frame, in pixels of the video; those that are neither strokes nor clicks are left out.
        size: (H, W) of the map.
        scale: its rows per row of the video, and columns per column.
        previous: labels (H, W) in the size of the map; None: unknown.
    """
    marks = np.full(size, NOT_DRAWN, np.int16)
    for prompt in prompts:
        if isinstance(prompt, Scribble):
            marks[_footprint(prompt.points, size, scale, STROKE_REACH)] = prompt.object_id
        elif isinstance(prompt, Click):
            place = _footprint(np.array([[prompt.x, prompt.y]]), size, scale, CLICK_REACH)
            if prompt.positive:
                marks[place] = prompt.object_id
            else:
                place &= (marks <= 0) | (marks == prompt.object_id)
                if previous is not None:
                    place &= (previous == 0) | (previous == prompt.object_id)
                marks[place] = 0
    return marks


def _footprint(
    points: NDArray[np.float64], size: tuple[int, int], scale: tuple[float, float], reach: int
) -> NDArray[np.bool_]:
    """Pixels (H, W) of a line through points (N, 2) of the video, rows (x, y)."""
    factor = np.array([scale[1], scale[0]])
    # Pixel centres are integers, in the video as in the map.
    moved = points if scale == (1.0, 1.0) else np.rint((points + 0.5) * factor - 0.5)
    inside = np.clip(moved, 0, (size[1] - 1, size[0] - 1))
    return footprint(inside, reach=reach, height=size[0], width=size[1])
