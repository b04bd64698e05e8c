"""Region similarity J and boundary measure F of the DAVIS interactive benchmark.

Source: docs/specification/davis-interactive.md section 3.

Label maps are uint8 (T, H, W); results float64 (T, K) for objects 1..K. There is no void label: pixels of the
truth above K count as background, labels of the prediction above K match nothing.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.masks import VOID

LabelVideo: TypeAlias = NDArray[np.integer]
Scores: TypeAlias = NDArray[np.float64]

DEFAULT_BOUNDARY_TOLERANCE = 0.008


def object_ids(labels: LabelVideo) -> list[int]:
    """The objects found in label maps: the distinct labels, background and void aside."""
    return [int(label) for label in np.unique(labels) if 0 < label < VOID]


def jaccard(truth: LabelVideo, prediction: LabelVideo, num_objects: int | None = None) -> Scores:
    """Region similarity per frame and object, (T, K): intersection over union, 1 when both masks are empty.

    Args:
        truth: labels (T, H, W).
        prediction: labels (T, H, W).
        num_objects: K; None takes the labels found in the truth.

    Raises:
        ValueError: unequal shapes, another rank, or no objects.
    """
    truth, prediction, ids = _check(truth, prediction, num_objects)
    scores = np.empty((len(truth), len(ids)))
    for frame, (y, p) in enumerate(zip(truth, prediction, strict=True)):
        for column, label in enumerate(ids):
            a, b = y == label, p == label
            shared = np.count_nonzero(a & b)
            union = np.count_nonzero(a) + np.count_nonzero(b) - shared
            scores[frame, column] = shared / union if union else 1.0
    return scores


def f_measure(
    truth: LabelVideo,
    prediction: LabelVideo,
    num_objects: int | None = None,
    *,
    tolerance: float = DEFAULT_BOUNDARY_TOLERANCE,
) -> Scores:
    """Boundary measure per frame and object, (T, K): F of the two boundaries matched within a distance.

    Args:
        truth: labels (T, H, W).
        prediction: labels (T, H, W).
        num_objects: K; None takes the labels found in the truth.
        tolerance: the distance as a share of the image diagonal; 1 or more is in pixels.

    Raises:
        ValueError: unequal shapes, another rank, or no objects.
    """
    truth, prediction, ids = _check(truth, prediction, num_objects)
    radius = boundary_radius(truth.shape[1], truth.shape[2], tolerance)
    scores = np.empty((len(truth), len(ids)))
    for frame, (y, p) in enumerate(zip(truth, prediction, strict=True)):
        for column, label in enumerate(ids):
            a, b = (y == label).view(np.uint8), (p == label).view(np.uint8)
            scores[frame, column] = _boundary_f(a, b, radius)
    return scores


def boundary_radius(height: int, width: int, tolerance: float = DEFAULT_BOUNDARY_TOLERANCE) -> int:
    """Pixels within which boundaries match.

    >>> boundary_radius(480, 854)
    8
    """
    return math.ceil(tolerance if tolerance >= 1 else tolerance * math.hypot(height, width))


def boundary(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Boundary map (H, W) of a mask (H, W): pixels that differ from the east, south or south-east neighbour.

    Beyond the right and bottom borders the mask goes on as at the border, so the border is no boundary.
    """
    # Differing from one of the three = the maximum over the 2x2 block is not its minimum. OpenCV leaves
    # pixels outside the image out of both, which equals repeating the border.
    block, anchor = np.ones((2, 2), np.uint8), (0, 0)
    thickest, thinnest = cv2.dilate(mask, block, anchor=anchor), cv2.erode(mask, block, anchor=anchor)
    return np.asarray(thickest - thinnest, dtype=np.uint8)


def _boundary_f(y: NDArray[np.uint8], p: NDArray[np.uint8], radius: int) -> float:
    x0, y0, width, height = cv2.boundingRect(cv2.bitwise_or(y, p))
    if width == 0:
        return 1.0
    # Boundaries lie within one pixel of a mask, so the rest of the frame has nothing to match.
    area = (slice(max(y0 - 1, 0), y0 + height + 1), slice(max(x0 - 1, 0), x0 + width + 1))
    edge_y, edge_p = boundary(y[area]), boundary(p[area])
    count_y, count_p = cv2.countNonZero(edge_y), cv2.countNonZero(edge_p)
    if count_y == 0 or count_p == 0:
        return 1.0 if count_y == count_p else 0.0
    disc = _disc(radius)
    precision = cv2.countNonZero(cv2.bitwise_and(edge_p, cv2.dilate(edge_y, disc))) / count_p
    recall = cv2.countNonZero(cv2.bitwise_and(edge_y, cv2.dilate(edge_p, disc))) / count_y
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@lru_cache(maxsize=32)
def _disc(radius: int) -> NDArray[np.uint8]:
    offsets = np.arange(-radius, radius + 1)
    return (offsets[:, None] ** 2 + offsets**2 <= radius**2).astype(np.uint8)


def _check(
    truth: LabelVideo, prediction: LabelVideo, num_objects: int | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], list[int]]:
    if truth.ndim != 3 or truth.shape != prediction.shape:
        raise ValueError(
            f"truth and prediction must be (T, H, W) label maps, got {truth.shape} and {prediction.shape}"
        )
    ids = object_ids(truth) if num_objects is None else list(range(1, num_objects + 1))
    if not ids:
        raise ValueError("there are no objects to measure")
    if ids[-1] >= VOID:
        raise ValueError(f"at most {VOID - 1} objects can be measured, got {num_objects}")
    return as_labels(truth), as_labels(prediction), ids


def as_labels(labels: LabelVideo) -> NDArray[np.uint8]:
    """Label maps of any integer type as uint8; values that do not fit become void (they match no object).

    Raises:
        ValueError: not an integer array.
    """
    if labels.dtype == np.bool_:
        labels = labels.astype(np.uint8)
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"label maps must hold integers, got {labels.dtype}")
    small = np.ascontiguousarray(labels, dtype=np.uint8)
    return small if labels.dtype == np.uint8 else np.where(small == labels, small, np.uint8(VOID))
