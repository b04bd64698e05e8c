"""Watching an action that takes its time."""

from __future__ import annotations

from typing import Protocol


class Watch(Protocol):
    """Told how an action goes on, from the thread that runs it."""

    def progress(self, what: str, done: int, total: int) -> None:
        """So much is done of what is named: restoring, propagating or writing."""

    def arrived(self, frame: int) -> None:
        """`labels(frame, "live")` are new."""


class Nobody:
    """Does not look."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Do nothing."""

    def arrived(self, frame: int) -> None:
        """Do nothing."""
