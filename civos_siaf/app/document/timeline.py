"""Undo and redo: a cursor over all actions, and the project's content wherever it stands."""

from __future__ import annotations

from dataclasses import dataclass

from civos_siaf.app.document.actions import Action
from civos_siaf.app.document.content import Answer, Content, step

_EVERY = 32  # actions between two kept contents: a step back folds at most so many


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """An action that counts, the number of its journal line, and what the model answered."""

    number: int
    action: Action
    answer: Answer | None = None


class Timeline:
    """All actions that can be undone or done again.

    A new action after `undo` drops what could be done again.
    """

    def __init__(self) -> None:
        self._past: list[TimelineEntry] = []
        self._future: list[TimelineEntry] = []
        self._kept: dict[int, Content] = {0: Content()}
        self.content = Content()

    @property
    def undo_type(self) -> str | None:
        """Type of the action that `undo` takes back."""
        return self._past[-1].action.type if self._past else None

    @property
    def redo_type(self) -> str | None:
        """Type of the action that `redo` does again."""
        return self._future[-1].action.type if self._future else None

    def versions(self) -> set[str]:
        """All versions of labels that can still be reached."""
        return {entry.answer.version for entry in (*self._past, *self._future) if entry.answer}

    def add(self, entry: TimelineEntry) -> bool:
        """Do one more action; whether this dropped what could be done again."""
        dropped = bool(self._future)
        if dropped:
            self._future.clear()
            self._kept = {place: kept for place, kept in self._kept.items() if place <= len(self._past)}
        self._forward(entry)
        return dropped

    def undo(self) -> None:
        """Take the last action back.

        Raises:
            IndexError: there is none.
        """
        self._future.append(self._past.pop())
        place = len(self._past) - len(self._past) % _EVERY
        content = self._kept[place]
        for entry in self._past[place:]:
            content = step(content, entry.number, entry.action, entry.answer)
        self.content = content

    def redo(self) -> None:
        """Do the action again that was taken back last.

        Raises:
            IndexError: there is none.
        """
        self._forward(self._future.pop())

    def _forward(self, entry: TimelineEntry) -> None:
        self.content = step(self.content, entry.number, entry.action, entry.answer)
        self._past.append(entry)
        if len(self._past) % _EVERY == 0:
            self._kept[len(self._past)] = self.content
