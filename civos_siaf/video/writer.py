"""Writing video files."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from civos_siaf.runtime.files import atomic_path
from civos_siaf.video.frames import DEFAULT_RATE, Rgb


def write_video(
    path: Path | str, images: Iterable[Rgb], *, frame_rate: float = DEFAULT_RATE, quality: int = 20
) -> int:
    """Write an H.264 file that browsers play, in one piece.

    Args:
        path: ends in .mp4, .mkv or .mov.
        images: (H, W, 3) uint8 of one size; an odd side is made even by repeating its last line.
        frame_rate: frames per second.
        quality: rate factor of the encoder; lower is better and larger.

    Returns:
        How many frames were written.

    Raises:
        ValueError: no image, or images of several sizes.
    """
    count, size = 0, None
    with atomic_path(path) as temporary, av.open(str(temporary), "w") as container:
        stream = container.add_stream(
            "libx264",
            rate=Fraction(frame_rate).limit_denominator(100_000),
            options={"crf": str(quality), "preset": "veryfast"},
        )
        stream.pix_fmt = "yuv420p"
        for image in images:
            if size is None:
                size = image.shape
                stream.height, stream.width = (side + side % 2 for side in size[:2])
            if image.shape != size:
                raise ValueError(f"{path}: frame {count} has size {image.shape}, the first has {size}")
            even = np.pad(image, ((0, size[0] % 2), (0, size[1] % 2), (0, 0)), mode="edge")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
            count += 1
        if count == 0:
            raise ValueError(f"{path}: no frame to write")
        container.mux(stream.encode())
    return count
