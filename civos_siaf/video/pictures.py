"""Decoded pictures as RGB: colours as a browser shows them, turned and mirrored as the file says."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

_ONE_THREAD = {"threads": 1} if "threads" in (VideoReformatter.reformat.__doc__ or "") else {}
"""Several threads for each picture cost more than they save."""

UNTAGGED = 2
"""FFmpeg's number of a colour space, or of a transfer curve, that the file does not name."""

HD_ROWS = 720
PQ = 16
"""FFmpeg's number of the curve of HDR10 and Dolby Vision, SMPTE 2084."""

TOLERANCE = 10.0
"""Degrees by which an angle may miss a quarter turn; what is further off is shown as it is stored."""


class Converter:
    """Converts decoded pictures from one format to another; for one thread at a time.

    It keeps what FFmpeg prepares for a conversion, which costs more than a conversion.
    """

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def convert(self, frame: av.VideoFrame, format: str, **spaces: str | None) -> av.VideoFrame:
        """A picture in another format; `spaces` are src_colorspace and dst_colorspace."""
        options: dict[str, Any] = spaces | _ONE_THREAD
        return self._reformatter.reformat(frame, format=format, **options)


def to_rgb(frame: av.VideoFrame, converter: Converter, *, pq: bool = False) -> NDArray[np.uint8]:
    """A decoded picture as (H, W, 3) uint8, upright.

    Args:
        frame: as decoded.
        converter: of this thread.
        pq: its values follow the curve of HDR; they are brought to the range of a usual screen.
    """
    hd = max(frame.height, frame.width * 9 // 16) >= HD_ROWS and frame.colorspace == UNTAGGED
    space = "ITU709" if hd and not frame.format.is_rgb else None
    if pq:
        deep = converter.convert(frame, "rgb48le", src_colorspace=space).to_ndarray()
        image = _pq_table()[deep.astype(np.uint16) >> 6]
    else:
        image = converter.convert(frame, "rgb24", src_colorspace=space).to_ndarray()
    turns, mirrored = orientation(display_matrix(frame))
    if mirrored:
        image = image[:, ::-1]
    return np.ascontiguousarray(np.rot90(image, turns))


def display_matrix(frame: av.VideoFrame) -> Sequence[float] | None:
    """The numbers (a, b, u, c, d, v, x, y, w) that place a picture on a screen; None: as it is stored."""
    data: Iterable[Any] = frame.side_data  # the stubs say str
    for item in data:
        if item.type.name == "DISPLAYMATRIX":
            return [float(value) for value in np.frombuffer(bytes(item), np.int32)]
    return None


def orientation(matrix: Sequence[float] | None) -> tuple[int, bool]:
    """How a matrix turns a picture: quarter turns counter-clockwise, and whether it is mirrored before.

    There are eight ways to lie on a screen. What is no quarter turn, as of a phone that was held aslant, is
    left upright.

    >>> orientation((0, 1, 0, -1, 0, 0)), orientation((-1, 0, 0, 0, 1, 0)), orientation(None)
    ((3, False), (0, True), (0, False))
    """
    if matrix is None:
        return 0, False
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    angle = math.degrees(math.atan2(b, a))  # clockwise, as rows go down
    quarters = round(angle / 90)
    return (-quarters if abs(angle - 90 * quarters) <= TOLERANCE else 0) % 4, mirrored


def askew(matrix: Sequence[float] | None) -> float:
    """Degrees by which a matrix misses the nearest quarter turn, 0 to 45."""
    if matrix is None:
        return 0.0
    angle = math.degrees(math.atan2(matrix[1], matrix[0]))
    return abs(angle - 90 * round(angle / 90))


@cache
def _pq_table() -> NDArray[np.uint8]:
    """By ten bits of SMPTE 2084: light up to that of white paper as it is, what is brighter compressed."""
    code = np.linspace(0, 1, 1024) ** (1 / 78.84375)
    light = np.maximum(code - 0.8359375, 0) / (18.8515625 - 18.6875 * code)
    paper, brightest = 203.0, 1000.0
    shown = 10_000 * light ** (1 / 0.1593017578125) / paper
    white = brightest / paper
    mapped = np.minimum(shown * (1 + shown / white**2) / (1 + shown), 1)
    return np.asarray(np.round(255 * mapped ** (1 / 2.2)), dtype=np.uint8)
