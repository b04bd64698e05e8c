"""The packets of a video file by number, from any place on, whatever its container can seek."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

if TYPE_CHECKING:
    VideoPacket: TypeAlias = Packet[VideoStream]

MISSING = np.iinfo(np.int64).min
"""In the place of a time stamp or position that a packet lacks."""

_ATTEMPTS = 3


@dataclass(frozen=True, eq=False)
class PacketTable:
    """What tells the packets of the video stream apart, in the file's order, (P,) each.

    Attributes:
        pts: display times, in units of the stream.
        dts: decoding times.
        pos: positions in the file, bytes.
        size: bytes.
        key: whether decoding can begin there, as the file says.
    """

    pts: NDArray[np.int64]
    dts: NDArray[np.int64]
    pos: NDArray[np.int64]
    size: NDArray[np.int64]
    key: NDArray[np.bool_]
    _numbers: dict[tuple[int, int], int] = field(default_factory=dict, init=False)

    def __len__(self) -> int:
        return len(self.pts)

    @classmethod
    def of(cls, rows: list[tuple[int, int, int, int, bool]]) -> PacketTable:
        """The table of rows (pts, dts, pos, size, key), see `row`."""
        pts, dts, pos, size, key = np.array(rows, dtype=np.int64).reshape(-1, 5).T.copy()
        return cls(pts, dts, pos, size, key.astype(bool))

    def number(self, packet: VideoPacket) -> int | None:
        """The number of a packet, if it can be told from all others."""
        if not self._numbers:
            self._fill()
        pts, dts, pos, size, _ = row(packet)
        for mark in (pos, dts, pts):
            if mark != MISSING and (number := self._numbers.get((mark, size), -1)) >= 0:
                return number
        return None

    def _fill(self) -> None:
        for marks in (self.pos, self.dts, self.pts):
            for number, mark in enumerate(zip(marks.tolist(), self.size.tolist(), strict=True)):
                known = self._numbers.get(mark)
                self._numbers[mark] = number if known in (None, number) else -1


def row(packet: VideoPacket) -> tuple[int, int, int, int, bool]:
    """(pts, dts, pos, size, key) of a packet, `MISSING` where it lacks one."""
    pts, dts, pos = (MISSING if value is None else value for value in (packet.pts, packet.dts, packet.pos))
    return pts, dts, MISSING if pos < 0 else pos, packet.size, packet.is_keyframe


def open_video(path: Path, *, threads: bool = True) -> tuple[InputContainer, VideoStream]:
    """Open a file and its first video stream.

    Args:
        path: of the file.
        threads: decode with several threads.

    Raises:
        ValueError: not a video, or no video stream.
    """
    try:
        container = av.open(str(path), metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise ValueError(f"{path}: not a readable video ({error})") from error
    stream = next((stream for stream in container.streams.video if not _is_cover(stream)), None)
    if stream is None:
        container.close()
        raise ValueError(f"{path}: not a readable video (it has no video stream)")
    stream.thread_type = "AUTO" if threads else "NONE"
    return container, stream


def _is_cover(stream: VideoStream) -> bool:
    """Whether it is a picture that belongs to the sound, as of an album."""
    return "attached_pic" in str(getattr(stream, "disposition", "")).lower()


def packets_of(container: InputContainer, stream: VideoStream) -> Iterator[VideoPacket]:
    """The packets of a stream up to the end, or to where the file is cut off."""
    try:
        yield from (packet for packet in container.demux(stream) if packet.size)
    except av.FFmpegError:  # nothing more can be read
        return


class NumberedPackets:
    """Packets of a video from a wanted number on, each with its number.

    A place reached by seeking is only believed when a packet there is one of the table; otherwise the file
    is read from its beginning, which costs time but is always right.

    Args:
        path: of the file.
        table: of its packets.
        threads: decode with several threads.
    """

    def __init__(self, path: Path, table: PacketTable, *, threads: bool) -> None:
        self._path = path
        self._table = table
        self._threads = threads
        self._seeks = True
        self.container, self.stream = open_video(path, threads=threads)
        self._fresh = True

    def start(self, number: int) -> Iterator[tuple[int, VideoPacket]]:
        """The packets from `number` on; what was begun before ends."""
        if number > 0 and self._seeks:
            for attempt in range(_ATTEMPTS):
                found = self._sought(number, back=attempt)
                if found is not None:
                    return found
            self._seeks = False
        return self._from_beginning(number)

    def close(self) -> None:
        """Close the file."""
        self.container.close()

    def _sought(self, number: int, *, back: int) -> Iterator[tuple[int, VideoPacket]] | None:
        """Seek to a packet, or to key frames before it; None where that did not lead there."""
        table = self._table
        keys = np.flatnonzero(table.key[: number + 1])
        if len(keys) <= back:
            return None
        place = int(keys[-1 - 2 * back]) if len(keys) > 2 * back else 0
        stamp = table.dts[place] if table.dts[place] != MISSING else table.pts[place]
        if stamp == MISSING:
            return None
        self._fresh = False
        try:
            self.container.seek(int(stamp), stream=self.stream, backward=True)
        except av.FFmpegError:
            return None
        coming = packets_of(self.container, self.stream)
        for packet in coming:
            here = table.number(packet)
            if here is not None and here > number:
                return None
            if here is not None:
                return self._checked(here, packet, coming, number)
        return None

    def _checked(
        self, here: int, packet: VideoPacket, coming: Iterator[VideoPacket], number: int
    ) -> Iterator[tuple[int, VideoPacket]]:
        """Packets from `number` on, counted from the one that is `here`; anew when one is another."""
        while True:
            if packet.size != self._table.size[here]:
                self._seeks = False
                yield from self._from_beginning(max(here, number))
                return
            if here >= number:
                yield here, packet
            here += 1
            following = next(coming, None)
            if following is None or here >= len(self._table):
                return
            packet = following

    def _from_beginning(self, number: int) -> Iterator[tuple[int, VideoPacket]]:
        if not self._fresh:
            self.container.close()
            self.container, self.stream = open_video(self._path, threads=self._threads)
        self._fresh = False
        for here, packet in enumerate(packets_of(self.container, self.stream)):
            if here >= number:
                yield here, packet
