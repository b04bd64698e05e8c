"""The way back through the interactions of a round, and through whole rounds."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Snapshot = TypeVar("Snapshot")


class History(Generic[Snapshot]):
    """The moments to which `undo` returns: before each interaction of this round, then before each round.

    Args:
        max_steps: how many rounds, or other steps, are kept.
    """

    def __init__(self, max_steps: int) -> None:
        self._past: deque[Snapshot] = deque(maxlen=max_steps)
        self._round: list[Snapshot] = []

    def before_interaction(self, moment: Snapshot) -> None:
        """Keep the moment before an interaction."""
        self._round.append(moment)

    def before_step(self, moment: Snapshot) -> None:
        """Keep the moment before a step of its own; in a round that has interactions it is one of these."""
        (self._round or self._past).append(moment)

    def end_round(self) -> None:
        """From now on this round is one step."""
        self._past.append(self._round[0])
        self._round = []

    def back(self) -> Snapshot:
        """The moment to return to.

        Raises:
            IndexError: nothing is left to undo.
        """
        if not (self._round or self._past):
            raise IndexError("nothing to undo")
        return (self._round or self._past).pop()
