"""What a click strategy sees of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from civos_siaf.benchmark.scribbles import Line
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
    lines: Sequence[Line]
    truth: NDArray[np.uint8]
    prediction: NDArray[np.uint8]
    first_round: bool
    num_objects: int


class ClickStrategy(Protocol):
    """Turns an annotated frame into clicks: positives by object, then negatives by object."""

    def __call__(self, frame: AnnotatedFrame) -> list[Click]:
        """Clicks on one frame."""
