"""Which frames a new annotation reaches.

Source: docs/specification/mivos.md sections 5.1, 6.2; docs/specification/siaf.md section 9.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise


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


@dataclass(frozen=True, slots=True)
class TruncatedSweep:
    """The frames that one annotated frame reaches in one direction.

    Attributes:
        source: the annotated frame, not visited.
        frames: in the order in which they are visited, the neighbour of the source first.
    """

    source: int
    frames: range

    def __len__(self) -> int:
        return len(self.frames)


def truncated_sweeps(sources: Collection[int], num_frames: int) -> list[TruncatedSweep]:
    """The sweeps that visit every other frame once, each from the nearest source.

    The frame in the middle between two sources belongs to the earlier one. Sweeps without frames are left
    out; before the sources come the backward ones.

    Args:
        sources: annotated frames, in any order.
        num_frames: T.

    Raises:
        ValueError: no source, or one outside the video.

    >>> [(s.source, list(s.frames)) for s in truncated_sweeps([1, 6], 8)]
    [(1, [0]), (1, [2, 3]), (6, [5, 4]), (6, [7])]
    """
    ordered = sorted(set(sources))
    if not ordered:
        raise ValueError("sweeps need at least one annotated frame")
    if not 0 <= ordered[0] <= ordered[-1] < num_frames:
        raise ValueError(f"annotated frames {ordered}: the video has 0..{num_frames - 1}")
    middles = [(a + b) // 2 for a, b in pairwise(ordered)]
    sweeps = []
    for source, before, after in zip(ordered, [-1, *middles], [*middles, num_frames - 1], strict=True):
        sweeps.append(TruncatedSweep(source, range(source - 1, before, -1)))
        sweeps.append(TruncatedSweep(source, range(source + 1, after + 1)))
    return [sweep for sweep in sweeps if len(sweep)]
