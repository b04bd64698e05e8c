"""The clock of the benchmark: real, moved by hand, or charging a fixed time per round."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A source of time in seconds; only differences matter."""

    def now(self) -> float:
        """The time in seconds."""

    def round_done(self) -> None:
        """The method hands in its masks: called just before the time is read."""


class WallClock:
    """Real time, in seconds since 1970; never runs backwards."""

    def __init__(self) -> None:
        self._offset = time.time() - time.perf_counter()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._offset + time.perf_counter()

    def round_done(self) -> None:
        """Nothing: time passes by itself."""


class ManualClock:
    """A clock that stands still until it is moved: for tests and replays."""

    def __init__(self, now: float = 0.0) -> None:
        self._now = now

    def now(self) -> float:
        """Seconds since the start, as moved so far."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self._now += seconds

    def round_done(self) -> None:
        """Nothing: only `advance` moves the clock."""


class FixedClock(ManualClock):
    """Charges the same time for every round, so that results do not depend on the machine.

    Args:
        seconds_per_round: what a round costs.
    """

    def __init__(self, seconds_per_round: float = 1.0) -> None:
        super().__init__()
        if seconds_per_round < 0:
            raise ValueError(f"seconds_per_round must be 0 or more, got {seconds_per_round}")
        self.seconds_per_round = seconds_per_round

    def round_done(self) -> None:
        """Let the round's time pass."""
        self.advance(self.seconds_per_round)
