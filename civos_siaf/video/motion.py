"""How the pixels of a frame move to its neighbours, with and without the motion of the camera."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.video.frames import Frames, Rgb
from civos_siaf.video.source import DamagedFrameError

_log = logging.getLogger(__name__)

CHANNELS = 8
"""Maps of a frame: motion (x, y) and motion beyond the camera's (x, y), to each of two neighbours."""
SIDE = 432
"""The longer side of the maps at most, in pixels."""
GAP = 2
"""The neighbours are so many frames away: slow things have moved by then, fast ones can still be followed."""
_LEAST = 16
"""Optical flow needs so many pixels on each side."""
_SPACING, _TOLERANCE = 8, 1.5
"""Of the grid on which the camera's motion is found, and how far off a point may be, in pixels."""


def motion_maps(frame: Rgb, neighbours: Sequence[Rgb]) -> NDArray[np.float32]:
    """Dense optical flow from a frame to its neighbours (DIS), and what is left without the camera's motion.

    The camera's motion is the homography that most of the picture follows. Where an object fills the picture,
    or the camera follows it, that may be the object's: then the background is what moves.

    Args:
        frame: (H, W, 3) uint8.
        neighbours: frames of the same size, one before and one after. One counts twice; none: no motion.

    Returns:
        (8, h, w) in pixels of these maps, with the frame's shape and `SIDE` at most. Zero without neighbours,
        and for tiny frames.
    """
    grey = _small_grey(frame)
    if len(neighbours) == 0 or min(grey.shape) < _LEAST:
        return np.zeros((CHANNELS, *grey.shape), np.float32)
    dis: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    found = [_motion(dis.calc(grey, _small_grey(other), None)) for other in neighbours[:2]]
    return np.concatenate([found[0], found[-1]])


class FrameMotion:
    """The motion maps of a video's frames, found when they are asked for; the last ones are kept.

    Args:
        frames: the video.
        kept: of how many frames.
    """

    def __init__(self, frames: Frames, *, kept: int = 8) -> None:
        self.frames = frames
        self.kept = kept
        self._maps: dict[int, NDArray[np.float32]] = {}

    def __call__(self, index: int) -> NDArray[np.float32]:
        """Maps (8, h, w) of a frame, see `motion_maps`."""
        if index not in self._maps:
            found = motion_maps(self.frames[index], list(self._neighbours(index)))
            if len(self._maps) >= self.kept:
                del self._maps[next(iter(self._maps))]
            self._maps[index] = found
        return self._maps[index]

    def _neighbours(self, index: int) -> Iterator[Rgb]:
        for number in neighbour_numbers(index, len(self.frames)):
            try:
                yield self.frames[number]
            except DamagedFrameError as error:
                _log.debug("frame %d is not compared with its neighbour: %s", index, error)


def neighbour_numbers(index: int, length: int) -> list[int]:
    """The frames to compare frame `index` of a video of `length` frames with; at its ends only one side."""
    chosen = [number for number in (index - GAP, index + GAP) if 0 <= number < length]
    return chosen or [number for number in (index - 1, index + 1) if 0 <= number < length]


def _motion(flow: NDArray[Any]) -> NDArray[np.float32]:
    """Flow (h, w, 2) to flow and residual flow, (4, h, w)."""
    maps = np.concatenate([flow, flow - _camera(flow)], axis=2)
    return np.ascontiguousarray(maps.transpose(2, 0, 1), np.float32)


def _camera(flow: NDArray[Any]) -> NDArray[np.float32]:
    """The flow (h, w, 2) that the homography most of the picture follows would give."""
    height, width = flow.shape[:2]
    rows, columns = np.mgrid[_SPACING // 2 : height : _SPACING, _SPACING // 2 : width : _SPACING]
    start = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float32)
    if len(start) < 8:
        return np.zeros_like(flow, np.float32)
    end = start + flow[rows.ravel(), columns.ravel()]
    cv2.setRNGSeed(0)  # RANSAC draws from a generator of the whole process: the same frames, the same maps
    homography, _ = cv2.findHomography(start, end, cv2.RANSAC, _TOLERANCE)
    if homography is None:
        return np.zeros_like(flow, np.float32)
    grid = np.mgrid[:height, :width][::-1].reshape(2, -1).T.astype(np.float32)
    moved = cv2.perspectiveTransform(grid[None], homography)[0] - grid
    camera = np.asarray(moved.reshape(height, width, 2), np.float32)
    return camera if np.isfinite(camera).all() else np.zeros_like(camera)


def _small_grey(frame: Rgb) -> NDArray[np.uint8]:
    height, width = frame.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    grey = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
