"""What a video file holds: its pictures counted by decoding it once, and how each is found again."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from civos_siaf.video.decoding import Decoded, PacketDecoder, checksum
from civos_siaf.video.packets import MISSING, PacketTable, open_video, packets_of, row

if TYPE_CHECKING:
    from civos_siaf.video.packets import VideoPacket

log = logging.getLogger(__name__)

USUAL_RATE = 24.0
"""Frames per second of a file that says nothing of time."""

CUT_OFF = "it is cut off"

CHECKED_PIXELS = 2_000_000_000
"""Pixels of a plain file that are decoded to check it: a minute of 720p. All are, of any other file."""

UNKNOWN = -1
"""In the place of the checksum of a picture that was not decoded yet."""

NO_PACKET = -1
"""In the place of the packet where the decoder does not say."""

_IDR = 5  # type of H.264's NAL units after which nothing refers to what was before
_SHORT, _SHORT_SHARE = 0.5, 0.1  # seconds, and share, that may be missing without a word
_NEAR = 64  # packets between which pictures are put in another order at most


@dataclass(frozen=True, eq=False)
class VideoIndex:
    """The pictures of a video file in the order in which decoding from the start gives them.

    Attributes:
        packets: of the video stream.
        packet: number of the packet that each picture is made of, (T,).
        part: which of the pictures of that packet it is, (T,).
        checksum: of each picture, (T,), `UNKNOWN` where it was not decoded.
        stamps: display time of each picture in units of `unit`, (T,), `MISSING` where the file has none.
        unit: seconds.
        faults: what is wrong with pictures, by number.
        lost: pictures that the decoder does not give.
        notes: what a person should know of the file.
        counted: the decoder does not say where pictures come from: they are counted from the start.
        threads: whether several threads give the same.
    """

    packets: PacketTable
    packet: NDArray[np.int64]
    part: NDArray[np.int64]
    checksum: NDArray[np.int64]
    stamps: NDArray[np.int64]
    unit: float
    faults: dict[int, str] = field(default_factory=dict)
    lost: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()
    counted: bool = False
    threads: bool = True

    def __len__(self) -> int:
        return len(self.packet)

    def entries(self) -> NDArray[np.int64]:
        """(N, 2) rows (picture, packet) where decoding may begin for this picture and later ones."""
        here = (self.part == 0) & (self.packet != NO_PACKET)
        here[list(self.lost)] = False
        places = np.flatnonzero(here)
        keys = places[self.packets.key[self.packet[places]]]
        rows = np.stack([keys, self.packet[keys]], axis=1)
        if not len(rows) or rows[0, 0] != 0 or rows[0, 1] != 0:
            rows = np.concatenate([[[0, 0]], rows])
        return np.asarray(rows[np.concatenate([[True], np.diff(np.maximum.accumulate(rows[:, 1])) > 0])])


def build_index(path: Path, *, checked_pixels: int = CHECKED_PIXELS) -> VideoIndex:
    """Read a file once and decode it, a long one that is plain only at its beginning.

    Plain is a file whose packets are a picture each, whose time stamps order them, and whose key frames
    need nothing that was before.

    Args:
        path: of the file.
        checked_pixels: so many are decoded at least.

    Raises:
        ValueError: not a video, or no picture can be decoded.
    """
    index = _Pass(path, threads=True, limit=checked_pixels).run()
    if index is None:
        log.info("%s: all of it is decoded once, as its packets do not tell its frames", path)
        index = _Pass(path, threads=True, limit=None).run()
    if index is None:  # with errors, which threads do not assign to packets
        index = _Pass(path, threads=False, limit=None).run()
    if index is None or not len(index):
        raise ValueError(f"{path}: the video stream has no frames that can be decoded")
    return index


@dataclass(slots=True)
class _Picture:
    """A picture as the pass has found it."""

    packet: int
    part: int
    checksum: int
    size: tuple[int, int]
    fault: str | None = None
    lost: bool = False


class _Pass:
    """One reading of a file.

    Args:
        path: of the file.
        threads: decode with several threads.
        limit: pixels after which a plain file is not decoded any further.
    """

    def __init__(self, path: Path, *, threads: bool, limit: int | None) -> None:
        self._path = path
        self._threads = threads
        self._limit = limit
        self._rows: list[tuple[int, int, int, int, bool]] = []
        self._pictures: list[_Picture] = []
        self._pixels = 0
        self._plain = True
        self._hidden: set[int] = set()  # packets that an edit list leaves out

    def run(self) -> VideoIndex | None:
        """The index; None where it takes another pass."""
        container, stream = open_video(self._path, threads=self._threads)
        with container:
            decoder = PacketDecoder(stream)
            self._read(packets_of(container, stream), stream, decoder)
            if not self._full:
                self._take(decoder.flush())
            elif not self._plain:
                return None
            if self._threads and (decoder.errors or any(picture.fault for picture in self._pictures)):
                return None
            index = self._index(stream, decoder.errors)
            early = None if index is None else _ends_early(container, stream, index.packets)
            return index if index is None or early is None else replace(index, notes=(*index.notes, early))

    @property
    def _full(self) -> bool:
        return self._limit is not None and self._pixels >= self._limit

    def _read(self, packets: Iterator[VideoPacket], stream: VideoStream, decoder: PacketDecoder) -> None:
        for number, packet in enumerate(packets):
            self._rows.append(row(packet))
            if packet.is_discard:
                self._hidden.add(number)
            if self._limit is not None and self._plain:
                self._plain = not self._hidden and (not packet.is_keyframe or _clean(stream, packet))
            if not self._full:
                self._take(decoder.feed(number, packet))
            elif not self._plain:
                return

    def _take(self, pictures: list[Decoded]) -> None:
        for packet, part, frame in pictures:
            fault = "parts of it are missing in the file" if frame.is_corrupt else None
            size = (frame.height, frame.width)
            number = NO_PACKET if packet is None else packet
            self._pictures.append(_Picture(number, part, checksum(frame), size, fault))
            self._pixels += frame.height * frame.width

    def _index(self, stream: VideoStream, errors: Mapping[int, str]) -> VideoIndex | None:
        packets = PacketTable.of(self._rows)
        counted = any(picture.packet == NO_PACKET for picture in self._pictures)
        if self._full and not self._completed(packets):
            return None
        listed = stream.frames
        notes = tuple(
            _notes(
                self._pictures,
                packets,
                hidden=self._hidden,
                listed=listed,
                missing=not _complete(stream, packets, steps=listed),
            )
        )
        if not counted:
            _place_lost(self._pictures, packets, errors)
            _doubt_after_lost(self._pictures, packets)
        _name_sizes(self._pictures)
        packet = np.array([picture.packet for picture in self._pictures], dtype=np.int64)
        part = np.array([picture.part for picture in self._pictures], dtype=np.int64)
        stamps = np.full(len(packet), MISSING) if counted else packets.pts[packet]
        return VideoIndex(
            packets,
            packet,
            part,
            np.array([picture.checksum for picture in self._pictures], dtype=np.int64),
            np.where(part > 0, MISSING, stamps),
            unit=float(stream.time_base or 1),
            faults={n: picture.fault for n, picture in enumerate(self._pictures) if picture.fault},
            lost=frozenset(n for n, picture in enumerate(self._pictures) if picture.lost),
            notes=notes,
            counted=counted,
            threads=self._threads,
        )

    def _completed(self, packets: PacketTable) -> bool:
        """Add the pictures that were not decoded, one for each packet; False if the others are not so."""
        order = np.argsort(packets.pts, kind="stable")
        ordered = bool((np.diff(packets.pts[order]) > 0).all() and (packets.pts != MISSING).all())
        found = [picture.packet for picture in self._pictures]
        if not ordered or found != order[: len(found)].tolist():
            return False
        size = self._pictures[0].size
        self._pictures += [_Picture(number, 0, UNKNOWN, size) for number in order[len(found) :].tolist()]
        return True


def _place_lost(pictures: list[_Picture], packets: PacketTable, errors: Mapping[int, str]) -> None:
    """Give pictures that the decoder refused their place among the others; not before the first."""
    made = {picture.packet for picture in pictures}
    first = min(made, default=0)
    for number in sorted(errors):
        if number in made or number < first:
            continue
        pts = packets.pts[number]
        before = 0
        for place, picture in enumerate(pictures, 1):
            stamp = packets.pts[picture.packet]
            timed = MISSING not in (pts, stamp)
            near = abs(picture.packet - number) <= _NEAR
            if picture.packet < number and (not near or not timed or stamp < pts):
                before = place
        fault = f"it cannot be decoded ({errors[number]})"
        pictures.insert(before, _Picture(number, 0, UNKNOWN, pictures[0].size, fault, lost=True))


def _doubt_after_lost(pictures: list[_Picture], packets: PacketTable) -> None:
    """Say of pictures up to the next key frame after a lost one that they may be wrong."""
    keys = np.flatnonzero(packets.key)
    doubtful: set[int] = set()
    for lost in (picture.packet for picture in pictures if picture.lost):
        following = keys[keys > lost]
        doubtful |= set(range(lost, int(following[0]) if len(following) else len(packets)))
    for picture in pictures:
        if picture.packet in doubtful and picture.fault is None:
            picture.fault = "it may be wrong, as a frame that it may be made of is damaged"


def _name_sizes(pictures: list[_Picture]) -> None:
    """Name pictures of another size than the first."""
    height, width = pictures[0].size if pictures else (0, 0)
    for picture in pictures:
        if picture.size != (height, width) and picture.fault is None:
            rows, columns = picture.size
            picture.fault = f"it has {columns}x{rows} pixels and is scaled to frame 0's {width}x{height}"


def _notes(
    pictures: list[_Picture], packets: PacketTable, *, hidden: Collection[int], listed: int, missing: bool
) -> Iterator[str]:
    """What a person should know of the file as a whole."""
    made = {picture.packet for picture in pictures}
    leading = min(made, default=0)
    leading -= sum(number < leading for number in hidden)
    if leading > 0:
        yield f"it begins within a group of frames: {leading} that cannot be decoded are left out"
    if listed > max(len(packets), len(pictures)) and missing:
        yield f"{CUT_OFF}: {listed} frames are listed in it, {len(pictures)} are there"


def _complete(stream: VideoStream, packets: PacketTable, *, steps: int) -> bool:
    """Whether packets last as long as a file says; an edit list may leave out frames that are listed."""
    stamps = packets.pts[packets.pts != MISSING]
    if not stream.duration or not steps or len(stamps) < 2:
        return False
    return bool(stamps.max() - stamps.min() >= stream.duration * (1 - 1.5 / steps))


def _ends_early(container: InputContainer, stream: VideoStream, packets: PacketTable) -> str | None:
    """That a file should go on beyond what can be read of it, where it says how long it is."""
    unit = float(stream.time_base or 0)
    said = (stream.duration or 0) * unit
    if not said and len(container.streams) == 1 and container.duration:
        said = container.duration / av.time_base
    stamps = packets.pts[packets.pts != MISSING]
    if not said or len(stamps) < 2:
        return None
    there = float(max(stamps.max() - stamps.min(), stamps.max())) * unit  # some count from 0, some do not
    if there > said - max(_SHORT, _SHORT_SHARE * said):
        return None
    return f"{there:.1f} s of it can be read, and it says that it lasts {said:.1f} s"


def _clean(stream: VideoStream, packet: VideoPacket) -> bool:
    """Whether decoding can really begin at a key frame: of H.264 only where the standard says so."""
    codec, extra = stream.codec_context.name, stream.codec_context.extradata or b""
    if codec == "h264":
        length = (extra[4] & 3) + 1 if extra[:1] == b"\1" else 0
        return any(unit[0] & 31 == _IDR for unit in _units(bytes(packet), length))
    return True


def _units(data: bytes, length: int) -> Iterator[bytes]:
    """The NAL units of a packet, each behind its length in so many bytes, or (0) behind a start code."""
    if length == 0:
        yield from (unit for unit in data.split(b"\0\0\1")[1:] if unit)
        return
    at = 0
    while at + length < len(data):
        size = int.from_bytes(data[at : at + length], "big")
        yield data[at + length : at + length + max(1, size)]
        at += length + size


def display_times(index: VideoIndex, rate: float | None) -> NDArray[np.float64]:
    """When each picture is shown, seconds from the first, (T,), rising.

    Where time stamps are missing, equal or begin anew, as in files that were joined, a picture takes the
    time that is usual in the file.

    Args:
        index: of the file.
        rate: frames per second, used where no time stamp tells more.
    """
    there = index.stamps != MISSING
    seconds = np.where(there, index.stamps * index.unit, 0.0)
    steps = np.diff(seconds)
    good = there[1:] & there[:-1] & (steps > 0)
    usual = float(np.median(steps[good])) if good.any() else 1 / (rate or USUAL_RATE)
    return np.concatenate([[0.0], np.cumsum(np.where(good, steps, usual))])


def listed(numbers: Iterable[int], most: int = 8) -> str:
    """Frame numbers as a person reads them, runs joined.

    >>> listed([15, 3, 4, 5])
    'frames 3-5, 15'
    """
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    words = [str(first) if first == last else f"{first}-{last}" for first, last in runs[:most]]
    more = f" and {len(runs) - most} more places" if len(runs) > most else ""
    single = len(runs) == 1 and runs[0][0] == runs[0][1]
    return f"frame{'' if single else 's'} {', '.join(words)}{more}"
