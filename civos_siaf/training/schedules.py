"""Learning rates over time: step -> factor on the base rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Schedule: TypeAlias = Callable[[int], float]
"""Factor on the base rate at a step, counted from 0."""


def constant(step: int) -> float:
    """Always the base rate."""
    return 1.0


@dataclass(frozen=True, slots=True)
class MultiStep:
    """Drops at milestones.

    Args:
        milestones: steps from which on the rate is `factor` times that before.
        factor: of each drop.

    >>> [MultiStep([10, 20])(step) for step in (9, 10)]
    [1.0, 0.1]
    """

    milestones: Sequence[int]
    factor: float = 0.1

    def __call__(self, step: int) -> float:
        """The factor on the base rate at a step, counted from 0."""
        return float(self.factor ** sum(step >= milestone for milestone in self.milestones))


@dataclass(frozen=True, slots=True)
class Cosine:
    """Rises linearly, then falls along half a cosine.

    Args:
        steps: length of the training.
        warmup: steps of the rise.
        last: factor at the end.
    """

    steps: int
    warmup: int = 0
    last: float = 0.01

    def __call__(self, step: int) -> float:
        """The factor on the base rate at a step, counted from 0."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        return self.last + (1 - self.last) * 0.5 * (1 + math.cos(math.pi * done))


@dataclass(frozen=True, slots=True)
class Polynomial:
    """Rises linearly, then falls as a power of what is left (docs/specification/aot.md section 14.4).

    Args:
        steps: length of the training.
        warmup: steps of the rise.
        last: factor at the start and towards the end; AOT's least rate over the base rate.
        power: 1 falls along a line.

    >>> Polynomial(steps=100_000, warmup=5_000, last=0.05)(5_000)
    1.0
    """

    steps: int
    warmup: int = 0
    last: float = 0.05
    power: float = 0.9

    def __call__(self, step: int) -> float:
        """The factor on the base rate at a step, counted from 0."""
        if step < self.warmup:
            return self.last + (1 - self.last) * step / self.warmup
        done = min(1.0, (step - self.warmup) / (self.steps - self.warmup + 1))
        return self.last + (1 - self.last) * float((1 - done) ** self.power)
