"""Number of clicks until a mask is good enough, with simulated clicks.

Source: docs/specification/ritm.md sections 8.1, 10.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.prompts import Click
from civos_siaf.video.frames import Rgb

IGNORE = -1
"""Label of ground-truth pixels that count neither as object nor as background."""

MAX_CLICKS = 20


class Segmenter(Protocol):
    """What is evaluated: anything that turns clicks on one object of one image into a mask."""

    def set_image(self, image: Rgb) -> None:
        """Start on a new image (H, W, 3) uint8."""

    def add(self, *clicks: Click) -> NDArray[np.floating]:
        """Take one or more clicks and return the probability (H, W)."""


@dataclass(frozen=True, eq=False)
class ClickSample:
    """One object of one image: its name, the image (H, W, 3) uint8, labels (H, W) int8 of 1, 0 and IGNORE."""

    name: str
    image: Rgb
    truth: NDArray[np.int8]

    def __post_init__(self) -> None:
        if self.truth.shape != self.image.shape[:2]:
            raise ValueError(f"{self.name}: mask {self.truth.shape}, image {self.image.shape[:2]}")
        if not (self.truth == 1).any():
            raise ValueError(f"{self.name}: the ground truth has no object pixel")


@dataclass(frozen=True)
class Result:
    """One evaluated object: IoU after each click made, and the seconds the predictions took together.

    There are fewer clicks than were allowed where the target was reached or nothing was left to click on.
    """

    name: str
    ious: tuple[float, ...]
    seconds: float

    def noc(self, target: float, max_clicks: int = MAX_CLICKS) -> int:
        """Clicks needed to reach an IoU of `target`, `max_clicks` if it was never reached."""
        return next((n for n, iou in enumerate(self.ious, 1) if iou >= target), max_clicks)


class Clicker:
    """The simulated person: clicks the middle of the largest error, never the same pixel twice.

    Args:
        truth: (H, W) int8 of 1 (object), 0 and IGNORE.
    """

    def __init__(self, truth: NDArray[np.int8]) -> None:
        self._truth = truth
        self._free = np.ones(truth.shape, dtype=bool)

    def next(self, mask: NDArray[np.bool_]) -> Click | None:
        """The click that answers to the current mask (H, W); None: every wrong pixel was clicked before.

        It lies where the distance to the border of the error is largest, the image's border included; the
        first such pixel in raster order. Missed and excess pixels tie in favour of a negative click.
        """
        known = self._truth != IGNORE
        missed = _depth((self._truth == 1) & ~mask & known) * self._free
        excess = _depth((self._truth != 1) & mask & known) * self._free
        positive = bool(missed.max() > excess.max())
        depth = missed if positive else excess
        if not depth.any():
            return None
        y, x = np.unravel_index(np.argmax(depth), depth.shape)
        self._free[y, x] = False
        return Click(0, 1, x=int(x), y=int(y), positive=positive)


def iou(truth: NDArray[np.int8], mask: NDArray[np.bool_]) -> float:
    """Intersection over union of the object with a mask (H, W), ignored pixels left out."""
    known = truth != IGNORE
    object_ = truth == 1
    union = ((object_ | mask) & known).sum()
    return float((object_ & mask).sum() / union) if union else 1.0


def evaluate_clicks(
    segmenter: Segmenter,
    sample: ClickSample,
    *,
    target: float = 0.9,
    max_clicks: int = MAX_CLICKS,
    min_clicks: int = 1,
    prob_thresh: float = 0.49,
) -> Result:
    """Click on one object until its IoU reaches `target` or `max_clicks` are used up.

    It ends sooner where nothing is left to click on: the mask is perfect, or every wrong pixel was clicked.

    Args:
        segmenter: what is evaluated.
        sample: the object.
        target: stop at this IoU, but not before `min_clicks`.
        max_clicks: limit of clicks.
        min_clicks: make so many in any case.
        prob_thresh: a pixel is object above this probability.

    Raises:
        ValueError: the answer has another shape than the image, or NaN in it.
    """
    clicker = Clicker(sample.truth)
    mask = np.zeros(sample.truth.shape, dtype=bool)
    segmenter.set_image(sample.image)
    ious: list[float] = []
    seconds = 0.0
    while len(ious) < max_clicks and not (ious and ious[-1] >= target and len(ious) >= min_clicks):
        click = clicker.next(mask)
        if click is None:
            break
        start = time.perf_counter()
        prob = segmenter.add(click)
        seconds += time.perf_counter() - start
        if prob.shape != mask.shape or np.isnan(prob).any():
            raise ValueError(f"{sample.name}: the answer has shape {prob.shape} or holds NaN")
        mask = prob > prob_thresh
        ious.append(iou(sample.truth, mask))
    return Result(sample.name, tuple(ious), seconds)


def _depth(region: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Euclidean distance of a region's pixels to the nearest pixel outside; beyond the border is outside."""
    padded = np.pad(region, 1).astype(np.uint8)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance[1:-1, 1:-1], dtype=np.float32)
