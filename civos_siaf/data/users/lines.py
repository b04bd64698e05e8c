"""Lines through regions: curves, outlines, skeletons, and the DAVIS robot's.

Source: docs/specification/mivos.md section 3.3, siaf 10.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.data.users.morphology import Mask, dilate, ellipse, erode, skeleton
from civos_siaf.prompts.strokes import bezier, connect

SQUARE = np.ones((3, 3), np.uint8)
SAMPLES = 1024
CURVES = 10


class LineRobot(Protocol):
    """Finds the middle lines of regions, such as `benchmark.robot.ScribbleRobot`."""

    def paths(self, region: Mask) -> Iterator[NDArray[np.int64]]:
        """Control pixels (n, 2), rows (x, y), of each line through a region (H, W)."""


def robot_paths(robot: LineRobot, region: Mask) -> Iterator[NDArray[np.float64]]:
    """The robot's curves through a region: points (n, 2), rows (x, y), found at half its size.

    MiVOS opens with a radius of 0.075 times the root of the area: `kernel_size=0.15` of the robot.
    """
    height, width = region.shape
    if min(height, width) < 2 or not region.any():
        return
    half = (width // 2, height // 2)
    small = cv2.resize(region.astype(np.float32), half, interpolation=cv2.INTER_AREA) > 0.5
    for pixels in robot.paths(np.asarray(small)):
        yield 2 * bezier(pixels.astype(np.float64))


def robot_lines(robot: LineRobot, region: Mask) -> Mask:
    """The robot's lines through a region, one pixel wide; see `robot_paths`."""
    height, width = region.shape
    out = np.zeros_like(region)
    for points in robot_paths(robot, region):
        x, y = connect(points.astype(np.int64)).T
        inside = (x < width) & (y < height)
        out[y[inside], x[inside]] = True
    return out


def outline(region: Mask, rng: np.random.Generator) -> Mask:
    """Parts of a line that runs along the edge, somewhere inside."""
    inner = erode(region, ellipse(int(rng.integers(3, 50))))
    edge = cv2.morphologyEx(inner.astype(np.uint8), cv2.MORPH_GRADIENT, SQUARE) > 0
    return with_gaps(np.asarray(edge), rng)


def middle(region: Mask, rng: np.random.Generator) -> Mask:
    """Parts of the region's skeleton."""
    return with_gaps(dilate(skeleton(region), SQUARE), rng)


def with_gaps(lines: Mask, rng: np.random.Generator) -> Mask:
    """Lines thinned or broken in four random rectangles."""
    out = lines.astype(np.uint8)
    height, width = out.shape
    for _ in range(4):
        y, x = int(rng.integers(height)), int(rng.integers(width))
        part = np.s_[y : int(rng.integers(y, height)) + 1, x : int(rng.integers(x, width)) + 1]
        size = int(rng.integers(5, 10))
        out[part] = cv2.erode(np.ascontiguousarray(out[part]), np.ones((size, size), np.uint8))
    return np.asarray(out > 0)


def curves(region: Mask, rng: np.random.Generator, *, count: int, longest: bool = True) -> Mask:
    """Quadratic curves with control points in a region, three pixels wide, cut to about the region.

    Args:
        region: (H, W); with fewer than three pixels there is no curve.
        rng: all randomness comes from here.
        count: how many.
        longest: out of ten; else the first ones.
    """
    out = np.zeros_like(region)
    places = np.argwhere(region)[:, ::-1]
    if len(places) < 3:
        return out
    room = dilate(region, ellipse(int(rng.integers(3, 7))))
    drawn = []
    for _ in range(CURVES if longest else count):
        control = places[rng.choice(len(places), 3, replace=False)]
        drawn.append(line(_quadratic(control.astype(np.float64)), region.shape) & room)
    if longest:
        drawn.sort(key=np.count_nonzero, reverse=True)
    for curve in drawn[:count]:
        out |= curve
    return out


def cheap_path(region: Mask, rng: np.random.Generator) -> NDArray[np.float64]:
    """Points (n, 2), rows (x, y), of a random curve within the inner part of a region's largest piece.

    Args:
        region: (H, W), not empty.
        rng: all randomness comes from here.
    """
    piece = largest_piece(region)
    depth = inner_depth(piece)
    inner = np.asarray(depth >= 0.4 * depth.max())
    places = np.argwhere(inner)[:, ::-1]
    control = places[rng.choice(len(places), min(len(places), int(rng.integers(3, 6))), replace=False)]
    # In the order along the longest direction a curve rarely doubles back.
    axis = control[:, np.ptp(control, axis=0).argmax()]
    points = bezier(control[np.argsort(axis)].astype(np.float64), 200)
    return _longest_inside(points, piece)


def largest_piece(region: Mask) -> Mask:
    """The largest 8-connected part of a region (H, W) that is not empty."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=8)
    return np.asarray(labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()))


def inner_depth(region: Mask) -> NDArray[np.float32]:
    """Distance (H, W) in pixels to the nearest place outside; the frame's edge is outside too."""
    padded = np.pad(region, 1).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1], dtype=np.float32)


def line(points: NDArray[np.float64], shape: tuple[int, ...], *, width: int = 3) -> Mask:
    """Points (n, 2), rows (x, y), joined by a line of some width, on a map of a shape (H, W)."""
    canvas = np.zeros(shape, np.uint8)
    cv2.polylines(canvas, [np.rint(points).astype(np.int32)], False, 1, width)
    return np.asarray(canvas > 0)


def _longest_inside(points: NDArray[np.float64], region: Mask) -> NDArray[np.float64]:
    """The longest part of a curve that does not leave a region."""
    x, y = np.rint(points).astype(np.int64).T
    edges = np.flatnonzero(np.diff(np.pad(region[y, x].astype(np.int8), 1)))
    starts, ends = edges[::2], edges[1::2]
    longest = (ends - starts).argmax()
    return points[starts[longest] : ends[longest]]


def _quadratic(control: NDArray[np.float64]) -> NDArray[np.float64]:
    """The quadratic Bezier curve of three points, (1024, 2)."""
    t = np.linspace(0, 1, SAMPLES)[:, None]
    return np.asarray((1 - t) ** 2 * control[0] + 2 * t * (1 - t) * control[1] + t**2 * control[2])
