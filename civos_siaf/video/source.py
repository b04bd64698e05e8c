"""Random access to the frames of a video file: what a jump shows is what decoding from the start shows."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.video.decoding import checksum
from civos_siaf.video.index import CUT_OFF, UNKNOWN, display_times, listed
from civos_siaf.video.index_file import index_of
from civos_siaf.video.packets import MISSING, open_video
from civos_siaf.video.pictures import PQ, TOLERANCE, Converter, askew, display_matrix, orientation, to_rgb
from civos_siaf.video.runs import PictureCache, Prefetch, Runs

log = logging.getLogger(__name__)

RUN_BYTES = 128 * 2**20
"""Decoded pictures kept around the last one read, as they come from the decoder."""

_TRIES = 2  # entries from which a picture is looked for that was never decoded

STEP_BACK = 8
"""A jump back by so few frames is taken for stepping backwards."""


class DamagedFrameError(ValueError):
    """A frame that the file holds but that cannot be decoded."""


class VideoSource:
    """The frames of the first video stream of a file, in the order and number in which it decodes.

    Opening decodes the file once, see `build_index`, unless its index is known. A picture reached by a jump
    is compared with what that has found; where it differs, decoding begins earlier, if need be at the start.

    Args:
        path: of the file.
        kept: where its index is, or shall be, kept; None: only in memory.
        run_bytes: of decoded pictures kept for steps back.

    Raises:
        ValueError: not a video, no video stream, or nothing in it can be decoded.
    """

    def __init__(self, path: Path, *, kept: Path | None = None, run_bytes: int = RUN_BYTES) -> None:
        self._path = path
        self._index = index_of(path, kept)
        self._runs = Runs(path, self._index)
        self._cache = PictureCache(run_bytes)
        self._lock = threading.Lock()  # of the cache
        self._run: Iterator[tuple[int, av.VideoFrame]] = iter(())
        self._at = len(self)  # the picture that the run has given last; the end: none is under way
        self._begin = 0  # the entry at which it began
        self._reached: dict[int, int] = {}  # entries whose pictures are right only from an earlier one
        self._missing: set[int] = set()  # found damaged where the file was not decoded when it was opened
        self._last = -1
        self._converter = Converter()
        self._behind: Prefetch | None = None
        self._describe()

    def __len__(self) -> int:
        return len(self._index)

    @property
    def sound(self) -> tuple[Path, float] | None:
        """The file, if it has sound, and when its first frame is shown by its clock, seconds."""
        stamp = int(self._index.stamps[0])
        return (self._path, 0.0 if stamp == MISSING else stamp * self._index.unit) if self._sound else None

    @property
    def cut_off(self) -> str | None:
        """What is missing at the end of a file that breaks off."""
        return next((note for note in self._index.notes if note.startswith(CUT_OFF)), None)

    @property
    def faults(self) -> dict[int, str]:
        """What is wrong with frames, by number; those that cannot be decoded among them."""
        return self._index.faults

    @property
    def times(self) -> NDArray[np.float64]:
        """When each frame is shown, seconds from the first, (T,), rising."""
        return display_times(self._index, self.frame_rate)

    def name(self, index: int) -> str:
        """The frame number in five digits."""
        return f"{index:05d}"

    def read(self, index: int) -> NDArray[np.uint8]:
        """Decode one frame as (H, W, 3) uint8, turned upright.

        Raises:
            DamagedFrameError: it cannot be decoded.
        """
        if index in self._index.lost or index in self._missing:
            raise self._damaged(index)
        image = to_rgb(self._picture(index), self._converter, pq=self._pq)
        if image.shape[:2] != self._size:
            return np.asarray(cv2.resize(image, self._size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
        return image

    def _damaged(self, index: int) -> DamagedFrameError:
        fault = self.faults.get(index, "it cannot be decoded")
        return DamagedFrameError(f"{self._path}: frame {index} is damaged: {fault}")

    def _describe(self) -> None:
        """Take from the file what holds for all frames, and say what a person should know."""
        container, stream = open_video(self._path, threads=False)
        with container:
            rate = stream.average_rate or stream.guessed_rate
            aspect = stream.sample_aspect_ratio or Fraction(1)
            self._pq = int(getattr(stream.codec_context, "color_trc", 0) or 0) == PQ
            self._sound = bool(container.streams.audio)
        self.frame_rate = float(rate) if rate else None
        first = self._picture(min(set(range(len(self))) - self._index.lost))
        matrix = display_matrix(first)
        turned = orientation(matrix)[0] % 2 == 1
        self._size = (first.width, first.height) if turned else (first.height, first.width)
        self.pixel_aspect = 1 / aspect if turned and aspect else aspect or Fraction(1)
        notes = list(self._index.notes)
        if self._pq:
            notes.append("HDR (SMPTE 2084): its light is brought to the range of a usual screen")
        if askew(matrix) > TOLERANCE:
            notes.append("it is turned by no quarter turn, and is shown as it is stored")
        by_fault: dict[str, list[int]] = {}
        for number, fault in self.faults.items():
            by_fault.setdefault(fault, []).append(number)
        notes += [f"{listed(numbers)}: {fault}" for fault, numbers in by_fault.items()]
        for note in notes:
            log.warning("%s: %s", self._path, note)

    def _picture(self, index: int) -> av.VideoFrame:
        """A picture as it is decoded from the start."""
        backwards = 0 < self._last - index <= STEP_BACK
        self._last = index
        if self._behind is not None:
            self._behind.wait_for(index)
        with self._lock:
            frame = self._cache.get(index)
        if frame is None or not self._right(index, frame):
            frame = self._reach(index)
        if backwards:
            self._look_behind(index, frame)
        return frame

    def _reach(self, index: int) -> av.VideoFrame:
        nearest = self._runs.nearest(index)
        begin = self._reached.get(nearest, nearest)
        frame = None
        near = self._runs.first(nearest) <= self._at + 1
        if near and self._at < index and self._begin <= begin:
            frame = self._forward(index)
        if frame is not None and self._right(index, frame):
            return frame
        known = self._index.checksum[index] != UNKNOWN
        for entry in self._runs.earlier(begin)[: None if known else _TRIES]:
            self._run, self._at, self._begin = self._runs.run(entry), -1, entry
            frame = self._forward(index)
            if frame is not None and self._right(index, frame):
                self._learn(nearest, entry)
                return frame
        if frame is None:
            self._missing.add(index)
            raise self._damaged(index)
        log.warning("%s: frame %d is decoded differently each time", self._path, index)
        return frame

    def _forward(self, index: int) -> av.VideoFrame | None:
        """Go on decoding up to a picture."""
        for number, frame in self._run:
            self._at = number
            with self._lock:
                self._cache.put(number, frame, near=index)
            if number >= index:
                return frame if number == index else None
        self._at = len(self)
        return None

    def _right(self, index: int, frame: av.VideoFrame) -> bool:
        expected = self._index.checksum[index]
        return bool(expected == UNKNOWN or checksum(frame) == expected)

    def _learn(self, nearest: int, entry: int) -> None:
        if entry < nearest and nearest not in self._reached:
            if not self._reached:
                log.warning(
                    "%s: its key frames do not suffice to begin at, so jumps decode from further back and are"
                    " slow; re-encode it if that disturbs",
                    self._path,
                )
            self._reached[nearest] = entry

    def _look_behind(self, index: int, frame: av.VideoFrame) -> None:
        """Decode what lies before while a person steps backwards."""
        with self._lock:
            low = self._cache.lowest(index)
            room = self._cache.room(frame)
        if low == 0 or index - low > room // 4:
            return
        if self._behind is None:
            self._behind = Prefetch(self._path, self._index, self._keep)
        nearest = self._runs.nearest(low - 1)
        self._behind.begin(self._reached.get(nearest, nearest), range(max(0, low - room // 2), low))

    def _keep(self, number: int, frame: av.VideoFrame, near: int) -> None:
        """Keep a picture that was decoded meanwhile."""
        with self._lock:
            self._cache.put(number, frame, near=near)
