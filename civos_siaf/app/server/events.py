"""Events of one project, to every tab that shows it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

PATIENCE = 2000
"""Events that may wait for a tab that does not take them; beyond it the tab is let go and may come back."""

LATEST_ONLY = frozenset({"state", "busy", "machine"})
"""Kinds of which only the newest matters to a tab that lags behind."""

Greeting: TypeAlias = Sequence[tuple[str, str]]
"""What a new tab is told first: kinds and texts of events, a state among them."""


class EventQueue:
    """The events that wait for one tab, in order; of some kinds only the newest."""

    def __init__(self) -> None:
        self._events: dict[object, str] = {}
        self._count = 0
        self._filled = asyncio.Event()
        self._greeted: str | None = None  # the state it was greeted with, until another comes
        self.lost = False

    def put(self, kind: str, text: str) -> None:
        """Add an event; one of a kind that is replaced takes its new place at the end."""
        if len(self._events) >= PATIENCE:
            self.lost = True
        if kind == "state":
            told, self._greeted = self._greeted, None
            if text == told:
                return
        self._count += 1
        key: object = kind if kind in LATEST_ONLY else self._count
        self._events.pop(key, None)
        if not self.lost:
            self._events[key] = text
        self._filled.set()

    def greet(self, greeting: Greeting) -> None:
        """Add what was found when the line was there already; a state that waits may be newer than it."""
        for kind, text in greeting:
            waiting = self._events.get(kind)
            if kind == "state":
                if waiting is not None and _revision(waiting) >= _revision(text):
                    continue
                self.put(kind, text)
                self._greeted = text
            else:
                self.put(kind, text)

    async def take(self) -> list[str]:
        """Wait for events and take all that are there; none where the tab was let go."""
        await self._filled.wait()
        self._filled.clear()
        if self.lost:
            return []
        texts = list(self._events.values())
        self._events.clear()
        return texts


def _revision(text: str) -> int:
    return int(json.loads(text)["state"]["revision"])


class EventBroadcaster:
    """Spreads the events of one project; `tell` may be called from any thread.

    Args:
        loop: the event loop of the server.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lines: set[EventQueue] = set()

    @property
    def tabs(self) -> int:
        """How many are listening."""
        return len(self._lines)

    def join(self) -> EventQueue:
        """A line for one more tab."""
        line = EventQueue()
        self._lines.add(line)
        return line

    def leave(self, line: EventQueue) -> None:
        """Forget a tab."""
        self._lines.discard(line)

    def tell(self, event: Mapping[str, object]) -> None:
        """Send an event to every tab."""
        self.tell_text(str(event["type"]), json.dumps(event, separators=(",", ":")))

    def tell_text(self, kind: str, text: str) -> None:
        """Send an event that is JSON already."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._spread, kind, text)

    def _spread(self, kind: str, text: str) -> None:
        for line in self._lines:
            line.put(kind, text)
