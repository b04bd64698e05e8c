"""Which frames of a video make up a clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

FrameChoice: TypeAlias = Literal["near", "steps", "anywhere"]


def near(num_frames: int, rng: np.random.Generator, *, frames: int, gap: int) -> list[int]:
    """Forward steps of 1 to gap+1 frames, held back near the end.

    Source: MiVOS, docs/specification/mivos.md section 8.

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
    """Forward steps of 1 to gap frames from a uniform start, reflected at the end.

    Source: AOT, docs/specification/aot.md section 14.5.
    """
    moves = rng.integers(1, gap + 1, size=frames - 1)
    places = int(rng.integers(num_frames)) + np.concatenate([[0], np.cumsum(moves)])
    period = max(2 * (num_frames - 1), 1)
    folded = places % period
    return [int(place) for place in np.where(folded < num_frames, folded, period - folded)]


def anywhere(num_frames: int, rng: np.random.Generator, *, frames: int, gap: int) -> list[int]:
    """Distinct frames of the whole video in order; `gap` has no effect.

    Source: SIAF, docs/specification/siaf.md section 10.

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


@dataclass(frozen=True, kw_only=True)
class FrameCounts:
    """How many frames the clips of a step have: drawn from the step's number, so that a batch has one length.

    The defaults are SIAF's (docs/specification/siaf.md section 10.2).

    Attributes:
        counts: numbers of frames T.
        weights: how often, in proportion.
        seed: of the draws.

    Raises:
        ValueError: a count below 1, or not a weight above 0 for each.

    >>> {FrameCounts()(step) for step in range(20)}
    {1, 2, 3}
    """

    counts: Sequence[int] = (1, 2, 3)
    weights: Sequence[float] = (0.4, 0.3, 0.3)
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.counts or len(self.counts) != len(self.weights):
            raise ValueError(f"expected a weight for each count, got {self.counts} and {self.weights}")
        if min(self.counts) < 1 or min(self.weights) <= 0:
            raise ValueError(f"counts must be 1 or more, weights above 0: {self.counts}, {self.weights}")

    def __call__(self, step: int) -> int:
        """T at a step."""
        ends = np.cumsum(self.weights) / sum(self.weights)
        draw = np.random.default_rng((self.seed, step)).random()
        return int(self.counts[int(np.searchsorted(ends[:-1], draw, side="right"))])
