"""Writing video files."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from civos_siaf.runtime.files import atomic_path
from civos_siaf.video.frames import DEFAULT_RATE, Frames, Rgb
from civos_siaf.video.pictures import Converter
from civos_siaf.video.sound import SoundCopy

TICKS = 90_000
"""Time stamps in a second."""

_BT709 = 1  # FFmpeg's number of the colours of HD, for primaries, curve and matrix


def write_video(
    path: Path | str,
    images: Iterable[Rgb],
    *,
    frame_rate: float = DEFAULT_RATE,
    quality: int = 20,
    like: Frames | None = None,
    sound: bool = False,
) -> int:
    """Write an H.264 file that browsers play, in one piece.

    Args:
        path: ends in .mp4, .mkv or .mov.
        images: (H, W, 3) uint8 of one size; an odd side is made even by repeating its last line.
        frame_rate: frames per second, where `like` does not say.
        quality: rate factor of the encoder; lower is better and larger.
        like: a video whose times, frame rate and pixel aspect are kept; it has a frame for each image.
        sound: keep its sound, too.

    Returns:
        How many frames were written.

    Raises:
        ValueError: no image, or images of several sizes.
    """
    rate = (like.frame_rate if like is not None else None) or frame_rate
    times = like.times if like is not None else None
    count, size, converter = 0, None, Converter()
    with atomic_path(path) as temporary, av.open(str(temporary), "w") as container:
        stream = _stream(container, rate, quality)
        if like is not None:
            stream.codec_context.sample_aspect_ratio = like.pixel_aspect
        copy = SoundCopy(container, like.sound) if sound and like is not None and like.sound else None
        for image in images:
            if size is None:
                size = image.shape
                stream.height, stream.width = (side + side % 2 for side in size[:2])
            if image.shape != size:
                raise ValueError(f"{path}: frame {count} has size {image.shape}, the first has {size}")
            seconds = count / rate if times is None else float(times[count])
            if copy is not None:
                copy.up_to(seconds)
            for packet in stream.encode(_frame(image, seconds, converter)):
                container.mux(packet)
            count += 1
        if count == 0:
            raise ValueError(f"{path}: no frame to write")
        container.mux(stream.encode())
        if copy is not None:
            copy.up_to(seconds + 1 / rate)
            copy.close()
    return count


def _stream(container: OutputContainer, rate: float, quality: int) -> VideoStream:
    stream = container.add_stream(
        "libx264",
        rate=Fraction(rate).limit_denominator(100_000),
        options={"crf": str(quality), "preset": "veryfast"},
    )
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = Fraction(1, TICKS)
    context.color_primaries = context.color_trc = context.colorspace = _BT709
    return stream


def _frame(image: Rgb, seconds: float, converter: Converter) -> av.VideoFrame:
    """An image with even sides, its colours as HD, at its time."""
    rows, columns = image.shape[0] % 2, image.shape[1] % 2
    even = np.pad(image, ((0, rows), (0, columns), (0, 0)), mode="edge")
    frame = av.VideoFrame.from_ndarray(even, format="rgb24")
    frame = converter.convert(frame, "yuv420p", dst_colorspace="ITU709")
    frame.pts, frame.time_base = round(seconds * TICKS), Fraction(1, TICKS)
    return frame
