"""Random access to the frames of a video file: indexed once, decoded from the nearest key frame."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray


class VideoSource:
    """The frames of the first video stream of a file, in display order.

    Opening reads the packet headers only. Reading forwards decodes each frame once; a jump seeks to the
    key frame before it.

    Raises:
        ValueError: not a video, no video stream, or a stream without time stamps.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._container = av.open(str(path))
            self._stream = self._container.streams.video[0]
        except (av.FFmpegError, IndexError) as error:
            raise ValueError(f"{path}: not a readable video ({error})") from error
        self._stream.thread_type = "AUTO"
        self._stamps, self._keys = self._index()
        self._decoder: Iterator[av.VideoFrame] = iter(())
        self._next = len(self._stamps)  # frame the decoder gives next; the end = nothing under way

    def __len__(self) -> int:
        return len(self._stamps)

    @property
    def frame_rate(self) -> float | None:
        """Frames per second on average."""
        rate = self._stream.average_rate
        return float(rate) if rate else None

    def name(self, index: int) -> str:
        """The frame number in five digits."""
        return f"{index:05d}"

    def read(self, index: int) -> NDArray[np.uint8]:
        """Decode one frame as (H, W, 3) uint8, turned upright."""
        key = self._keys[bisect_right(self._keys, index) - 1]
        if not key <= self._next <= index:
            self._seek(key)
        try:
            for frame in self._decoder:
                if frame.pts is None or frame.pts < self._stamps[index]:
                    continue
                if frame.pts > self._stamps[index]:
                    break
                self._next = index + 1
                return _upright(frame)
        except av.FFmpegError as error:
            self._next = len(self)
            raise ValueError(f"{self._path}: frame {index} cannot be decoded ({error})") from error
        self._next = len(self)
        raise ValueError(f"{self._path}: frame {index} is listed in the file but cannot be decoded")

    def _index(self) -> tuple[list[int], list[int]]:
        """Display times of all frames, and the numbers of the key frames."""
        stamps: list[int] = []
        keys: list[int] = []
        for packet in self._container.demux(self._stream):
            if packet.size == 0 or packet.is_discard:
                continue
            if packet.pts is None:
                raise ValueError(f"{self._path}: frames have no time stamps; re-wrap it, for example as MP4")
            stamps.append(packet.pts)
            if packet.is_keyframe:
                keys.append(packet.pts)
        stamps = sorted(set(stamps))
        if not stamps:
            raise ValueError(f"{self._path}: the video stream has no frames")
        places = {stamp: index for index, stamp in enumerate(stamps)}
        return stamps, sorted({0, *(places[key] for key in keys)})

    def _seek(self, key: int) -> None:
        self._container.seek(self._stamps[key], stream=self._stream, backward=True)
        self._decoder = self._container.decode(self._stream)
        self._next = key


def _upright(frame: av.VideoFrame) -> NDArray[np.uint8]:
    turns = (frame.rotation // 90) % 4
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), turns))
