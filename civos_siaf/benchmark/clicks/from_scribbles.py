"""f1 and f2: clicks on the robot's scribbles (docs/specification/clicks.md sections 6.1, 6.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from civos_siaf.benchmark.clicks.frame import (
    AnnotatedFrame,
    central_pixel,
    clicks_at,
    components,
    from_fractions,
    through_fractions,
)
from civos_siaf.prompts import Click, Scribble
from civos_siaf.prompts.strokes import draw

Places: TypeAlias = dict[int, list[tuple[int, int]]]
BACKGROUND = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class F1:
    """One click per object: the scribble point closest to the mean of all the object's points.

    Distances are in fractions of the frame, whatever its shape. When the background is scribbled too, the
    clicks of all others, background included, are each object's negatives.

    Args:
        truncate_pixels: pixels are truncated, not rounded.
        published_quirks: a fraction of 1 gives a pixel just outside the frame; else the last pixel.
    """

    truncate_pixels: bool = True
    published_quirks: bool = False

    def __call__(self, frame: AnnotatedFrame) -> list[Click]:
        """Clicks on a frame."""
        height, width = frame.truth.shape
        places: Places = {}
        for object_id in sorted({line["object_id"] for line in frame.lines}):
            points = np.concatenate(
                [np.array(line["path"]) for line in frame.lines if line["object_id"] == object_id]
            )
            distance = ((points - points.mean(axis=0)) ** 2).sum(axis=1)
            x, y = points[int(np.argmin(distance))]
            y, x = from_fractions(y, x, height=height, width=width, truncate=self.truncate_pixels)
            if not self.published_quirks:
                y, x = min(y, height - 1), min(x, width - 1)
            places[object_id] = [(y, x)]
        negatives = _of_the_others(places) if BACKGROUND in places else {}
        return _in_order(places, negatives, frame.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class F2:
    """One click per connected scribble: its pixel closest to its mean.

    The clicks of all other scribbled objects, background included, are each object's negatives.

    Args:
        max_clicks: most clicks on the scribbles of one object, the largest first.
        truncate_pixels: positions pass through fractions of the frame and are truncated.
    """

    max_clicks: int = 3
    truncate_pixels: bool = True

    def __call__(self, frame: AnnotatedFrame) -> list[Click]:
        """Clicks on a frame."""
        height, width = frame.truth.shape
        drawn = draw(_scribbles(frame), height=height, width=width)
        places: Places = {
            int(object_id): [
                through_fractions(
                    *central_pixel(part), height=height, width=width, truncate=self.truncate_pixels
                )
                for part in components(drawn == object_id)[: self.max_clicks]
            ]
            for object_id in np.unique(drawn)
            if object_id >= 0
        }
        return _in_order(places, _of_the_others(places), frame.index)


def _scribbles(frame: AnnotatedFrame) -> Iterable[Scribble]:
    height, width = frame.truth.shape
    for line in frame.lines:
        yield Scribble(frame.index, line["object_id"], np.array(line["path"]) * (width - 1, height - 1))


def _of_the_others(places: Places) -> Places:
    return {
        object_id: [place for other, others in places.items() if other != object_id for place in others]
        for object_id in places
    }


def _in_order(positives: Places, negatives: Places, frame: int) -> list[Click]:
    """Positives of all objects, then negatives; the background has no clicks of its own."""
    return [
        *clicks_at(_without_background(positives), frame=frame, positive=True),
        *clicks_at(_without_background(negatives), frame=frame, positive=False),
    ]


def _without_background(places: Places) -> Places:
    return {object_id: pixels for object_id, pixels in places.items() if object_id != BACKGROUND}
