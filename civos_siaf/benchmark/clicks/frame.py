"""What a click strategy sees of a frame, and the published code's geometry.

Source: docs/specification/clicks.md section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from civos_siaf.benchmark.scribbles import ScribbleLine
from civos_siaf.prompts import Click


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnnotatedFrame:
    """A frame the robot annotates in this round.

    Attributes:
        index: the frame's number.
        lines: this round's scribbles on it.
        truth: its labels (H, W).
        prediction: the labels (H, W) submitted last; zeros in round 1.
        first_round: whether nothing has been submitted yet.
        num_objects: K.
    """

    index: int
    lines: Sequence[ScribbleLine]
    truth: NDArray[np.uint8]
    prediction: NDArray[np.uint8]
    first_round: bool
    num_objects: int


class ClickStrategy(Protocol):
    """Turns an annotated frame into clicks: positives by object, then negatives by object."""

    def __call__(self, frame: AnnotatedFrame) -> list[Click]:
        """Clicks on one frame."""


_EIGHT = np.ones((3, 3), dtype=bool)


def components(mask: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """8-connected components of a mask (H, W) as pixels (n, 2), rows (y, x) in raster order, largest first.

    Equal sizes come in reverse order of their first pixel, as in the published code with a stable sort.
    """
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    if width == 0:
        return []
    labels, count = ndimage.label(mask[y : y + height, x : x + width], structure=_EIGHT)
    rows, columns = np.nonzero(labels)
    order = np.argsort(labels[rows, columns], kind="stable")
    pixels = np.stack([rows + y, columns + x], axis=1)[order]
    ends = np.cumsum(np.bincount(labels[rows, columns], minlength=count + 1)[1:])
    found = sorted(np.split(pixels, ends[:-1]), key=lambda part: (part[0, 0], part[0, 1]))
    return sorted(found, key=len)[::-1]


def central_pixel(pixels: NDArray[np.int64]) -> tuple[int, int]:
    """The member (y, x) of a pixel set (n, 2) closest to its mean; the first one on ties."""
    distance = ((pixels - pixels.mean(axis=0)) ** 2).sum(axis=1)
    y, x = pixels[int(np.argmin(distance))]
    return int(y), int(x)


def through_fractions(y: float, x: float, *, height: int, width: int, truncate: bool) -> tuple[int, int]:
    """A pixel as it comes back from fractions of the frame: divided by (H, W), multiplied, truncated.

    Rounding makes some positions lose one pixel; without `truncate` they come back as they were.
    """
    return from_fractions(y / height, x / width, height=height, width=width, truncate=truncate)


def from_fractions(y: float, x: float, *, height: int, width: int, truncate: bool) -> tuple[int, int]:
    """Fractions of (H, W) as a pixel, truncated or rounded."""
    if truncate:
        return int(y * height), int(x * width)
    return round(y * height), round(x * width)


def clicks_at(places: dict[int, list[tuple[int, int]]], *, frame: int, positive: bool) -> list[Click]:
    """Clicks at pixels (y, x) given by object."""
    return [
        Click(frame, object_id, x=x, y=y, positive=positive)
        for object_id, pixels in places.items()
        for y, x in pixels
    ]
