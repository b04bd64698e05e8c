"""Decoding numbered packets: every picture comes with the packet that it was made of."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import av
import numpy as np
from av.video.stream import VideoStream

from civos_siaf.video.packets import NumberedPackets, PacketTable

if TYPE_CHECKING:
    from civos_siaf.video.packets import VideoPacket


class Decoded(NamedTuple):
    """A picture as the decoder gives it.

    Attributes:
        packet: number of the packet that it was made of; None where the decoder does not say.
        part: 0, or how many pictures that packet gave before.
        frame: the picture.
    """

    packet: int | None
    part: int
    frame: av.VideoFrame


class PacketDecoder:
    """Feeds packets to the decoder of a stream under their numbers, which its pictures give back.

    Attributes:
        errors: what the decoder said of packets that it refused, by number.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._context = stream.codec_context
        self._parts: Counter[int] = Counter()
        self.errors: dict[int, str] = {}

    def feed(self, number: int, packet: VideoPacket) -> list[Decoded]:
        """The pictures that come out when this packet goes in."""
        packet.pts = packet.dts = number  # decoders carry it along, and never look at it
        try:
            return self._numbered(self._context.decode(packet))
        except av.FFmpegError as error:
            self.errors[number] = str(error.strerror or error)
            return []

    def flush(self) -> list[Decoded]:
        """The pictures that were still inside."""
        try:
            return self._numbered(self._context.decode(None))
        except av.FFmpegError:
            return []

    def _numbered(self, frames: list[av.VideoFrame]) -> list[Decoded]:
        numbered = []
        for frame in frames:
            number = frame.pts
            part = 0
            if number is not None:
                part = self._parts[number]
                self._parts[number] += 1
            numbered.append(Decoded(number, part, frame))
        return numbered


class Decoding:
    """A file being decoded from any packet on.

    Args:
        path: of the file.
        table: of its packets.
        threads: decode with several threads.
    """

    def __init__(self, path: Path, table: PacketTable, *, threads: bool) -> None:
        self._packets = NumberedPackets(path, table, threads=threads)

    def start(self, number: int) -> Iterator[Decoded]:
        """Pictures from packet `number` on; those that need earlier packets may be wrong."""
        packets = self._packets.start(number)
        first = next(packets, None)
        stream = self._packets.stream
        stream.codec_context.flush_buffers()
        decoder = PacketDecoder(stream)
        if first is not None:
            yield from decoder.feed(*first)
        for number, packet in packets:
            yield from decoder.feed(number, packet)
        yield from decoder.flush()

    def close(self) -> None:
        """Close the file."""
        self._packets.close()


def checksum(frame: av.VideoFrame) -> int:
    """A number that another picture hardly has: CRC-32 over its pixels, without the padding of rows."""
    components = frame.format.components
    if len(components) != len(frame.planes):
        return zlib.crc32(np.ascontiguousarray(frame.to_ndarray(format="rgb24")).data)
    total = 0
    for component, plane in zip(components, frame.planes, strict=True):
        bits = component.bits if component.bits == 1 else -(-component.bits // 8) * 8
        data = np.frombuffer(memoryview(plane), np.uint8)[: plane.height * plane.line_size]
        used = data.reshape(plane.height, -1)[:, : -(-plane.width * bits // 8)]
        total = zlib.crc32(np.ascontiguousarray(used).data, total)
    return total
