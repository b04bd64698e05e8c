"""The sound of one video file put into another, as its pictures are written."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer

log = logging.getLogger(__name__)

_RATES = (48_000, 44_100)


class SoundCopy:
    """Encodes the first sound track of a file anew, as AAC, which every browser plays.

    It is written up to a time, as the pictures come. What is before the first picture is left out. Sound that
    cannot be read ends the copy, which is logged; the pictures are not lost for it.

    Args:
        target: being written.
        source: a file with sound, and the time of the first picture by its clock, seconds.
    """

    def __init__(self, target: OutputContainer, source: tuple[Path, float]) -> None:
        self._target = target
        self._path, self._begin = source
        self._input = av.open(str(self._path))
        track = self._input.streams.audio[0]
        rate = track.rate if track.rate in _RATES else _RATES[0]
        layout = track.layout.name if track.layout.nb_channels <= 2 else "stereo"
        self._stream: AudioStream = target.add_stream("aac", rate=rate)
        self._stream.codec_context.layout = layout
        self._resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
        self._rate = rate
        self._frames = self._decoded(track)
        self._waiting: av.AudioFrame | None = None
        self._samples = 0

    def up_to(self, seconds: float) -> None:
        """Write the sound before a time, seconds after the first picture."""
        while True:
            if self._waiting is None:
                self._waiting = next(self._frames, None)
            if self._waiting is None or self._samples / self._rate >= seconds:
                return
            self._write(self._waiting)
            self._waiting = None

    def close(self) -> None:
        """Write what is left in the encoder."""
        self._target.mux(self._stream.encode(None))
        self._input.close()

    def _write(self, frame: av.AudioFrame) -> None:
        frame.pts, frame.time_base = self._samples, Fraction(1, self._rate)
        self._samples += frame.samples
        self._target.mux(self._stream.encode(frame))

    def _decoded(self, track: AudioStream) -> Iterator[av.AudioFrame]:
        """Sound from the first picture on, resampled; silence where it begins later."""
        begun = False
        try:
            for frame in self._input.decode(track):
                unit = frame.time_base
                time = 0.0 if frame.pts is None or unit is None else float(frame.pts * unit) - self._begin
                if not begun and time + frame.samples / frame.sample_rate <= 0:
                    continue
                for piece in self._resampler.resample(frame):
                    if not begun:
                        self._samples = max(0, round(time * self._rate))
                        begun = True
                    yield piece
        except av.FFmpegError as error:
            log.warning("%s: its sound ends early: %s", self._path, error)
