"""Videos as they come from the world: of odd sizes, turned, with gaps in time, cut off."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write(
    path: Path,
    frames: np.ndarray,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    stamps: list[int] | None = None,
    rotation: int = 0,
    options: dict[str, str] | None = None,
) -> Path:
    """Write frames (T, H, W, 3) with PyAV; `stamps` are display times in units of 1/1000 s."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], pix_fmt
        stream.codec_context.time_base = Fraction(1, 1000)
        for index, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = stamps[index] if stamps else 40 * index
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    if rotation:
        turn(path, rotation)
    return path


def turn(path: Path, degrees: int) -> None:
    """Set the rotation in the track header of an MP4 file, as telephones do."""
    data = bytearray(path.read_bytes())
    header = data.index(b"tkhd")
    matrix = header + 4 + 40  # version 0: 40 bytes of times, numbers and volume come first
    one = 1 << 16
    rows = {90: (0, one, -one, 0), 180: (-one, 0, 0, -one), 270: (0, -one, one, 0)}[degrees]
    for place, value in zip((0, 4, 12, 16), rows, strict=True):
        data[matrix + place : matrix + place + 4] = int(value).to_bytes(4, "big", signed=True)
    path.write_bytes(bytes(data))


def stripes(length: int, height: int, width: int) -> np.ndarray:
    """Frames that tell their number by their brightness, the left half red, (T, H, W, 3)."""
    frames = np.zeros((length, height, width, 3), np.uint8)
    for t in range(length):
        frames[t] = 20 + 10 * t
        frames[t, :, : width // 2, 0] = 250
    return frames
