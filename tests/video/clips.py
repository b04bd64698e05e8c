"""Video files of many kinds, drawn for tests, and what a plain decoding from the start shows of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

SIZE = (96, 128)


class Kind(NamedTuple):
    """How a file is made.

    Attributes:
        suffix: which chooses the container.
        codec: of FFmpeg.
        gop: frames from key frame to key frame.
        between: B-frames in a row.
        options: of the encoder.
        start: seconds before the first frame.
        cut: "" or what is taken away: "head" (most of the first third), "tail", "trim" (an edit list hides
            the first frames).
        frames: how many.
    """

    suffix: str
    codec: str
    gop: int = 12
    between: int = 0
    options: tuple[tuple[str, str], ...] = ()
    start: float = 0.0
    cut: str = ""
    frames: int = 48
    pix_fmt: str = "yuv420p"

    @property
    def title(self) -> str:
        """For test names."""
        extra = "-".join(value for _, value in self.options)
        return f"{self.codec}{self.suffix}-g{self.gop}-b{self.between}-s{self.start:g}-{self.cut}{extra}"


def pictures(count: int, size: tuple[int, int] = SIZE, step: int = 3) -> Iterator[np.ndarray]:
    """A bright square that moves over a slope of grey, and the number of the frame in bits above it."""
    slope = np.linspace(40, 120, size[1]).astype(np.uint8)
    for k in range(count):
        image = np.repeat(np.tile(slope, (size[0], 1))[..., None], 3, axis=2)
        x = (10 + k * step) % (size[1] - 24)
        image[30:54, x : x + 24] = (220, 60, 40)
        for bit in range(10):
            image[0:8, 8 * bit : 8 * bit + 8] = 255 * (k >> bit & 1)
        yield image


def stamp(image: np.ndarray) -> int:
    """The number drawn into a picture."""
    return sum(int(image[2:6, 8 * bit + 2 : 8 * bit + 6].mean() > 128) << bit for bit in range(10))


def write_clip(
    path: Path,
    images: Sequence[np.ndarray] | Iterator[np.ndarray],
    *,
    codec: str = "libx264",
    rate: int = 24,
    options: dict[str, str] | None = None,
    pix_fmt: str = "yuv420p",
    times: Sequence[int] | None = None,
    aspect: Fraction | None = None,
) -> Path:
    """Encode pictures; `times` are in milliseconds, one for each."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, options=options or {})
        context = stream.codec_context
        for k, image in enumerate(images):
            if k == 0:
                stream.height, stream.width = image.shape[:2]
                stream.pix_fmt = pix_fmt
                if aspect is not None:
                    context.sample_aspect_ratio = aspect
                if times is not None:
                    context.time_base = Fraction(1, 1000)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[k], Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def make(folder: Path, kind: Kind) -> Path:
    """Write a file of a kind."""
    options = {"g": str(kind.gop), "bf": str(kind.between)} | dict(kind.options)
    if kind.codec == "libx265":
        options["x265-params"] = f"log-level=error:keyint={kind.gop}:bframes={kind.between}"
    if kind.codec == "libx264":
        options.setdefault("preset", "veryfast")
    path = folder / f"clip{kind.suffix}"
    write_clip(path, pictures(kind.frames), codec=kind.codec, options=options, pix_fmt=kind.pix_fmt, rate=25)
    if kind.start:
        path = remux(path, folder / f"late{kind.suffix}", shift=kind.start)
    if kind.cut == "head":
        data, unit = path.read_bytes(), 188
        third = len(data) // unit // 3
        path = folder / f"cut{kind.suffix}"
        path.write_bytes(data[: 3 * unit] + data[unit * third :])
    elif kind.cut == "tail":
        data = path.read_bytes()
        path = folder / f"cut{kind.suffix}"
        path.write_bytes(data[: len(data) * 2 // 3])
    elif kind.cut == "trim":
        path = remux(path, folder / f"cut{kind.suffix}", shift=-0.5)
    return path


def remux(source: Path, target: Path, *, shift: float) -> Path:
    """Copy packets without encoding, their times moved by `shift` seconds."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        ticks = int(shift / stream.time_base)
        for packet in old.demux(stream):
            if packet.dts is None and packet.pts is None:
                continue
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
            packet.stream = copy
            new.mux(packet)
    return target


def decoded_from_start(path: Path) -> list[np.ndarray]:
    """RGB of all pictures in the order in which FFmpeg gives them, with one thread."""
    shown = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        for packet in itertools.chain(container.demux(stream), [None]):
            if packet is not None and not packet.size:
                continue
            try:
                frames = stream.codec_context.decode(packet)
            except av.FFmpegError:
                continue
            shown += [frame.to_ndarray(format="rgb24") for frame in frames]
    return shown


HIDDEN = (("auto-alt-ref", "1"), ("lag-in-frames", "16"), ("deadline", "good"), ("cpu-used", "4"))
"""Frames that are decoded and not shown."""

SMALL = (
    Kind(".mp4", "libx264", gop=12, between=2),
    Kind(".ts", "libx264", gop=12, between=2, cut="head"),
    Kind(".avi", "libx264", gop=12, between=2),
    Kind(".mp4", "libx264", gop=24, options=(("x264-params", "intra-refresh=1"),)),
    Kind(".mpg", "mpeg2video", gop=12, between=2),
    Kind(".mkv", "mpeg4", gop=12, between=2, start=1.5),
    Kind(".webm", "libvpx", gop=12, options=HIDDEN, frames=24),
    Kind(".mp4", "libx264", gop=48, cut="trim"),
)
"""A few seconds of work, for every run of the tests."""


def many() -> list[Kind]:
    """Codec x container x group x B-frames x start x cut, as far as they go together."""
    refresh = (("x264-params", "intra-refresh=1"),)
    opened = (("x264-params", "open-gop=1"),)
    kinds = list(SMALL)
    for suffix in (".mp4", ".mov", ".mkv", ".ts", ".m2ts", ".avi", ".flv", ".h264"):
        kinds += [Kind(suffix, "libx264", gop=8, between=3), Kind(suffix, "libx264", gop=250, between=2)]
    kinds += [Kind(suffix, "libx264", options=opened, between=3) for suffix in (".mp4", ".mkv", ".ts")]
    kinds += [Kind(suffix, "libx264", options=refresh, gop=24) for suffix in (".mkv", ".ts", ".avi")]
    kinds += [Kind(suffix, "libx264", gop=1) for suffix in (".mp4", ".ts")]
    kinds += [Kind(suffix, "libx265", gop=12, between=3) for suffix in (".mp4", ".mkv", ".ts", ".hevc")]
    for suffix in (".mpg", ".vob", ".ts", ".mkv", ".m2v", ".mxf"):
        kinds.append(Kind(suffix, "mpeg2video", gop=12, between=2))
    kinds += [Kind(".mpg", "mpeg1video", gop=15), Kind(".ts", "mpeg2video", gop=12, between=2, cut="head")]
    kinds += [Kind(suffix, "mpeg4", gop=24, between=2) for suffix in (".avi", ".mp4", ".mkv", ".ts")]
    kinds += [Kind(".webm", "libvpx-vp9", gop=16), Kind(".mkv", "libvpx-vp9", gop=48, start=2.0)]
    kinds += [Kind(".mp4", "libvpx-vp9", gop=16)]
    kinds += [Kind(".mov", "mjpeg", pix_fmt="yuvj420p"), Kind(".avi", "mjpeg", pix_fmt="yuvj420p")]
    kinds += [Kind(".mkv", "ffv1"), Kind(".nut", "ffv1"), Kind(".mov", "prores_ks", pix_fmt="yuv422p10le")]
    kinds += [Kind(".wmv", "wmv2", gop=12), Kind(".flv", "flv", gop=12), Kind(".gif", "gif", pix_fmt="rgb8")]
    kinds += [Kind(".ts", "libx264", gop=12, between=2, start=start) for start in (0.5, 90.0)]
    kinds += [Kind(".mkv", "libx264", gop=12, between=2, cut="tail"), Kind(".ts", "libx264", cut="tail")]
    kinds += [Kind(".avi", "mpeg4", cut="tail"), Kind(".mpg", "mpeg2video", cut="tail")]
    kinds += [Kind(".mp4", codec, gop=16) for codec in ("libsvtav1", "libaom-av1")]
    return kinds
