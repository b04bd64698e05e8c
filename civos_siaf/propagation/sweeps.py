"""Which frames a new annotation reaches, and how far they are from it (spec mivos 5.1, 6.2)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sweep:
    """The frames from an annotated one up to the next annotated one, or to an end of the video.

    Attributes:
        origin: the annotated frame, not visited.
        limit: the first frame that is not visited any more; -1 or the number of frames at the ends.
        bounded: whether `limit` is an annotated frame; then new and old masks are fused.
    """

    origin: int
    limit: int
    bounded: bool

    @property
    def frames(self) -> range:
        """The frames in the order in which they are visited."""
        step = 1 if self.limit > self.origin else -1
        return range(self.origin + step, self.limit, step)

    def until(self, frames: Collection[int]) -> Sweep:
        """The part that visits no frame behind the nearest of these."""
        reached = [frame for frame in frames if frame in self.frames]
        if not reached:
            return self
        nearest = min(reached, key=lambda frame: abs(frame - self.origin))
        step = 1 if self.limit > self.origin else -1
        return Sweep(self.origin, nearest + step, self.bounded and nearest + step == self.limit)

    def distances(self, frame: int) -> tuple[float, float]:
        """(n_c, n_r): distance to the limit and to the origin as fractions of the interval; sum 1."""
        length = abs(self.limit - self.origin)
        return abs(self.limit - frame) / length, abs(self.origin - frame) / length


def sweeps_from(origin: int, annotated: Collection[int], num_frames: int) -> tuple[Sweep, Sweep]:
    """The sweep forward, then the one backward; either may visit no frame.

    Args:
        origin: the frame annotated now.
        annotated: frames annotated so far; `origin` may be one of them.
        num_frames: T.

    Raises:
        ValueError: a frame outside the video.
    """
    if not all(0 <= frame < num_frames for frame in (origin, *annotated)):
        raise ValueError(f"frames {origin}, {sorted(annotated)}: the video has 0..{num_frames - 1}")
    after = min((frame for frame in annotated if frame > origin), default=None)
    before = max((frame for frame in annotated if frame < origin), default=None)
    return (
        Sweep(origin, num_frames if after is None else after, after is not None),
        Sweep(origin, -1 if before is None else before, before is not None),
    )
