"""Sweeps that stop in the middle between annotated frames (SIAF, section III-C; spec siaf 9)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise


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
