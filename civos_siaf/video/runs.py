"""Runs of pictures decoded from a place where decoding may begin, and kept for steps back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import av
import numpy as np

from civos_siaf.video.decoding import Decoding
from civos_siaf.video.index import VideoIndex

MOST_PICTURES = 512
_FURTHER_BACK = (0, 1, 3, 7, 15, 31)
"""Entries before the nearest one that are tried before the whole file is decoded."""


class Runs:
    """Decodes the pictures of a file from its entries on, and tells their numbers.

    Args:
        path: of the file.
        index: of its pictures.
    """

    def __init__(self, path: Path, index: VideoIndex) -> None:
        self._decoding = Decoding(path, index.packets, threads=index.threads)
        self._index = index
        self._entries = index.entries()
        self._numbers: dict[tuple[int, int], int] = {}
        if not index.counted:
            made = zip(index.packet.tolist(), index.part.tolist(), strict=True)
            self._numbers = {mark: number for number, mark in enumerate(made)}

    def nearest(self, picture: int) -> int:
        """The last entry from which a picture should be reached."""
        if self._index.counted:
            return 0
        first = int(np.searchsorted(self._entries[:, 0], picture, side="right")) - 1
        before = int(np.searchsorted(self._entries[:, 1], self._index.packet[picture], side="right")) - 1
        return max(0, min(first, before))

    def earlier(self, entry: int) -> list[int]:
        """This entry and those before it that are tried after it, the first one last."""
        tried = [entry - back for back in _FURTHER_BACK if entry - back > 0]
        return [*tried, 0]

    def first(self, entry: int) -> int:
        """The picture of an entry."""
        return int(self._entries[entry, 0])

    def run(self, entry: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """Pictures from an entry on, with their numbers."""
        for count, (packet, part, frame) in enumerate(self._decoding.start(int(self._entries[entry, 1]))):
            number = count if packet is None else self._numbers.get((packet, part))
            if number is not None:
                yield number, frame

    def close(self) -> None:
        """Close the file."""
        self._decoding.close()


class PictureCache:
    """Decoded pictures up to a number of bytes; the furthest from where a viewer is leave first.

    Args:
        max_bytes: of all pictures together; the last one put in stays in any case.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pictures: dict[int, tuple[av.VideoFrame, int]] = {}
        self._bytes = 0

    def __contains__(self, number: int) -> bool:
        return number in self._pictures

    def get(self, number: int) -> av.VideoFrame | None:
        """A picture, if it is here."""
        found = self._pictures.get(number)
        return None if found is None else found[0]

    def put(self, number: int, frame: av.VideoFrame, *, near: int) -> None:
        """Keep a picture, of those that are nearest to the one that is wanted."""
        self.drop(number)
        size = sum(plane.buffer_size for plane in frame.planes)
        self._pictures[number] = frame, size
        self._bytes += size
        while len(self._pictures) > 1 and (
            self._bytes > self._max_bytes or len(self._pictures) > MOST_PICTURES
        ):
            self.drop(max((min(self._pictures), max(self._pictures)), key=lambda held: abs(held - near)))

    def drop(self, number: int) -> None:
        """Forget a picture."""
        found = self._pictures.pop(number, None)
        if found is not None:
            self._bytes -= found[1]

    def room(self, frame: av.VideoFrame) -> int:
        """How many pictures like this one fit."""
        size = max(1, sum(plane.buffer_size for plane in frame.planes))
        return min(MOST_PICTURES, max(1, self._max_bytes // size))

    def lowest(self, number: int) -> int:
        """The lowest of the pictures that are here without a gap up to this one."""
        while number - 1 in self._pictures:
            number -= 1
        return number


class Prefetch:
    """Decodes the pictures before a place in a thread of its own, for somebody who steps backwards.

    Args:
        path: of the file.
        index: of its pictures.
        take: called in that thread with each picture's number, the picture, and the place.
    """

    def __init__(
        self, path: Path, index: VideoIndex, take: Callable[[int, av.VideoFrame, int], None]
    ) -> None:
        self._path = path
        self._index = index
        self._take = take
        self._runs: Runs | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="behind")
        self._job: Future[None] | None = None
        self._pictures = range(0)

    def begin(self, entry: int, pictures: range) -> None:
        """Decode these pictures from an entry on, unless something is under way."""
        if self._job is None or self._job.done():
            self._pictures = pictures
            self._job = self._thread.submit(self._decode, entry, pictures)

    def wait_for(self, picture: int) -> None:
        """Wait if this picture is being decoded."""
        if self._job is not None and picture in self._pictures:
            wait([self._job])

    def _decode(self, entry: int, pictures: range) -> None:
        if self._runs is None:
            self._runs = Runs(self._path, self._index)
        for number, frame in self._runs.run(entry):
            if number >= pictures.start:
                self._take(number, frame, pictures.stop)
            if number >= pictures.stop - 1:
                return
