"""Frames as spans [first, last]: an hour of video has few of them."""

from __future__ import annotations

from collections.abc import Iterable


def spans(frames: Iterable[int]) -> list[list[int]]:
    """The spans of some frames, ascending; both ends belong to a span.

    >>> spans([7, 0, 1, 2, 2])
    [[0, 2], [7, 7]]
    """
    found: list[list[int]] = []
    for frame in sorted(frames):
        if found and frame <= found[-1][1] + 1:
            found[-1][1] = frame
        else:
            found.append([frame, frame])
    return found


def spans_without(num_frames: int, frames: Iterable[int]) -> list[list[int]]:
    """The spans of all frames of a video but these.

    >>> spans_without(5, [0, 3])
    [[1, 2], [4, 4]]
    """
    found, start = [], 0
    for first, last in [*spans(frames), [num_frames, num_frames]]:
        if first > start:
            found.append([start, first - 1])
        start = last + 1
    return found
