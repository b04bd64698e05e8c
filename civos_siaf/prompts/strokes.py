"""Drawing strokes into label maps, pixel for pixel as the DAVIS interactive toolkit does.

Source: docs/specification/davis-interactive.md sections 2.3, 2.4.
"""

from collections.abc import Iterable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from civos_siaf.prompts import Click, Scribble

MAX_BEZIER_POINTS = 1000
STROKE_REACH, CLICK_REACH = 1, 2
"""How far marks for networks reach from their line or place: 3 and 5 pixels across."""


def connect(pixels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join consecutive pixels (N, 2), rows (x, y), by integer lines; shared end points are repeated.

    The longer axis of a segment leads, y on a tie. Fewer than two pixels come back unchanged.
    """
    if len(pixels) < 2:
        return pixels
    delta = np.diff(pixels, axis=0)
    length = np.abs(delta)
    x_leads = length[:, 0] > length[:, 1]
    major, minor = length.max(axis=1), length.min(axis=1)
    sizes = major + 1
    segment = np.repeat(np.arange(len(delta)), sizes)
    step = np.arange(len(segment)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    # The line's error term starts at 2*minor - major; whenever it is >= 0 after a point, the minor axis
    # moves. Summed up, it has moved floor((2*minor*step + major) / (2*major)) times before point `step`.
    moved = (2 * minor[segment] * step + major[segment]) // np.maximum(2 * major, 1)[segment]
    progress = np.where(x_leads[segment, None], np.stack([step, moved], 1), np.stack([moved, step], 1))
    return np.asarray(pixels[:-1][segment] + np.sign(delta)[segment] * progress)


def bezier(points: NDArray[np.float64], num_samples: int = MAX_BEZIER_POINTS) -> NDArray[np.float64]:
    """Sample the Bezier curve with control points (N, 2) at `num_samples` places (at most 1000).

    The curve runs from the last control point to the first, as the toolkit's does
    (docs/specification/davis-interactive.md section 2.4). More control
    points than samples: they come back unchanged.
    """
    num_samples = min(num_samples, MAX_BEZIER_POINTS)
    if len(points) > num_samples:
        return points
    return np.asarray(_bernstein(len(points), num_samples) @ points)


@lru_cache(maxsize=8)
def _bernstein(num_points: int, num_samples: int) -> NDArray[np.float64]:
    """Weights (samples, points), in logarithms: at degree 999 the factors span 1e-300 to 1e300."""
    degree = num_points - 1
    index = np.arange(num_points)
    weights = np.zeros((num_samples, num_points))
    weights[0, -1] = 1.0
    if num_samples > 1:
        weights[-1, :] = 0.0
        weights[-1, 0] = 1.0
    if num_samples > 2:
        t = np.linspace(0.0, 1.0, num_samples)[1:-1, None]
        binomial = gammaln(degree + 1) - gammaln(index + 1) - gammaln(degree - index + 1)
        inner = np.exp(binomial + (degree - index) * np.log(t) + index * np.log1p(-t))
        weights[1:-1] = inner / inner.sum(axis=1, keepdims=True)
    return weights


def draw(
    scribbles: Iterable[Scribble], *, height: int, width: int, empty: int = -1, joined: bool = True
) -> NDArray[np.int16]:
    """Label map (H, W) with the object number under each stroke and `empty` elsewhere; later strokes win.

    Coordinates are truncated to pixels. Points outside the frame are left out.
    """
    canvas = np.full((height, width), empty, dtype=np.int16)
    for scribble in scribbles:
        pixels = scribble.points.astype(np.int64)
        x, y = (connect(pixels) if joined else pixels).T
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        canvas[y[inside], x[inside]] = scribble.object_id
    return canvas


def render(
    prompts: Iterable[Scribble | Click], *, height: int, width: int, empty: int = -1
) -> NDArray[np.int16]:
    """Marks (H, W) as networks of whole frames see them: object numbers, `empty` elsewhere.

    Source: docs/specification/siaf.md section 2.

    Strokes are 3 pixels wide, clicks squares of 5; a negative click is background. Later marks win.
    Coordinates are truncated to pixels. Points outside the frame are left out.
    """
    canvas = np.full((height, width), empty, dtype=np.int16)
    for prompt in prompts:
        if isinstance(prompt, Click):
            points, reach = np.array([[prompt.x, prompt.y]]), CLICK_REACH
            value = prompt.object_id if prompt.positive else 0
        else:
            points, reach, value = prompt.points, STROKE_REACH, prompt.object_id
        canvas[footprint(points, reach=reach, height=height, width=width)] = value
    return canvas


def footprint(points: NDArray[np.float64], *, reach: int, height: int, width: int) -> NDArray[np.bool_]:
    """Pixels (H, W) of a line through points (N, 2), rows (x, y), grown by a square of 2 * reach + 1 pixels.

    Coordinates are truncated to pixels. Points outside the frame are left out.
    """
    x, y = connect(points.astype(np.int64)).T
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    line = np.zeros((height, width), dtype=bool)
    line[y[inside], x[inside]] = True
    size = (2 * reach + 1, 2 * reach + 1)
    return np.asarray(cv2.dilate(line.view(np.uint8), np.ones(size, np.uint8)) > 0)
