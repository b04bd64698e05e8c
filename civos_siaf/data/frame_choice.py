"""Which frames of a video make up a clip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np

FrameChoice: TypeAlias = Literal["near", "steps", "anywhere"]


def near(num_frames: int, rng: np.random.Generator, *, frames: int, gap: int) -> list[int]:
    """Forward steps of 1 to gap+1 frames, held back near the end (MiVOS, spec section 8).

    The start is uniform in 0..n-J, J = min(gap, n); frame k of the clip is at most n - J div k, so a clip
    near the end repeats frames.
    """
    reach = min(gap, num_frames)
    chosen = [min(int(rng.integers(num_frames - reach + 1)), num_frames - 1)]
    for k in range(1, frames):
        following = chosen[-1] + 1 + int(rng.integers(reach + 1))
        chosen.append(min(following, num_frames - reach // k, num_frames - 1))
    return chosen


def steps(num_frames: int, rng: np.random.Generator, *, frames: int, gap: int) -> list[int]:
    """Forward steps of 1 to gap frames from a uniform start, reflected at the end (AOT, spec 14.5)."""
    moves = rng.integers(1, gap + 1, size=frames - 1)
    places = int(rng.integers(num_frames)) + np.concatenate([[0], np.cumsum(moves)])
    period = max(2 * (num_frames - 1), 1)
    folded = places % period
    return [int(place) for place in np.where(folded < num_frames, folded, period - folded)]


def anywhere(num_frames: int, rng: np.random.Generator, *, frames: int, gap: int) -> list[int]:
    """Distinct frames of the whole video in order (SIAF, spec section 10); `gap` has no effect.

    A video shorter than the clip repeats frames.
    """
    return sorted(int(t) for t in rng.choice(num_frames, frames, replace=num_frames < frames))


CHOICES: dict[str, Callable[..., list[int]]] = {"near": near, "steps": steps, "anywhere": anywhere}


def choose_frames(
    choice: FrameChoice, num_frames: int, rng: np.random.Generator, *, frames: int, gap: int
) -> list[int]:
    """Frame numbers 0..num_frames-1 of a clip of `frames` frames.

    Raises:
        ValueError: an unknown choice, or a number below 1.
    """
    if choice not in CHOICES:
        raise ValueError(f"frame choice must be one of {', '.join(CHOICES)}, got {choice!r}")
    if min(num_frames, frames, gap) < 1:
        raise ValueError(f"video {num_frames}, frames {frames}, gap {gap}: all must be 1 or more")
    return CHOICES[choice](num_frames, rng, frames=frames, gap=gap)
