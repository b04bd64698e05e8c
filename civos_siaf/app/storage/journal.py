"""The journal: one JSON line per action, on disk before the action is answered.

A line of an action is {"seq", "time", "key"?, "type", ...}. What the model made of it follows as a line
{"seq", "time", "type": "done", "of": seq, "version", "frames"}; a commit or a propagation without this line
was interrupted and does not count.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path

from civos_siaf.app.document.actions import Action, ActionError, from_json, to_json
from civos_siaf.app.document.content import Answer
from civos_siaf.app.storage.mask_files import VERSION, sync
from civos_siaf.app.storage.project import ProjectError

_OWN = ("seq", "time", "key")


@dataclass(frozen=True, slots=True)
class JournalLine:
    """An action of the journal, and its answer if there is one."""

    seq: int
    action: Action
    key: str | None
    answer: Answer | None


class Journal:
    """A file to which lines are only appended.

    A last line without its end was never acknowledged; opening drops it.

    Args:
        path: made if missing.

    Raises:
        ProjectError: a line that is no action; names the file and the line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            sync(path.parent)
            text = path.read_bytes()
            whole = text.rfind(b"\n") + 1
            if whole < len(text):
                os.ftruncate(self._file, whole)
                os.fsync(self._file)
            self._records = [self._parse(n, line) for n, line in enumerate(text[:whole].split(b"\n")[:-1], 1)]
            self.lines = list(self._paired())
        except BaseException:
            os.close(self._file)
            raise
        self.seq = len(self._records)
        del self._records
        self._owed: list[bytes] = []  # lines of a batch that are not in the file yet
        self._held = False
        self._before: Callable[[], None] = _nothing

    def append(self, action: Action, key: str | None) -> int:
        """Put an action on disk; its number.

        Raises:
            OSError: it could not be written; the journal is as before.
        """
        return self._write(to_json(action) | ({"key": key} if key is not None else {}))

    def append_done(self, seq: int, answer: Answer) -> int:
        """Put on disk that action `seq` was answered."""
        return self._write(
            {"type": "done", "of": seq, "version": answer.version, "frames": list(answer.frames)}
        )

    @contextmanager
    def batch(self, before: Callable[[], None]) -> Iterator[None]:
        """Lines appended inside are put on disk together when this ends.

        What could not be written stays owed: it is written before any further line.

        Args:
            before: puts on disk what the lines speak of; called before they are written.

        Raises:
            OSError: they could not be written.
        """
        self._before, self._held = before, True
        try:
            yield
        finally:
            self._held = False
            self._settle()

    def mark(self) -> tuple[int, int, int]:
        """Where the journal ends now, for `take_back`.

        Raises:
            OSError: lines of a batch are owed and cannot be written.
        """
        if not self._held:
            self._settle()
        return self.seq, os.fstat(self._file).st_size, len(self._owed)

    def take_back(self, mark: tuple[int, int, int]) -> None:
        """Remove lines that were written since the mark: those of an action that was not acknowledged."""
        self.seq, length, owed = mark
        del self._owed[owed:]
        self._cut(length)

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            with suppress(OSError):
                self._settle()
            os.close(self._file)
            self._file = -1

    def _write(self, record: dict[str, object]) -> int:
        mark = self.mark()
        time = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        line = json.dumps({"seq": self.seq + 1, "time": time} | record, separators=(",", ":")) + "\n"
        self._owed.append(line.encode("ascii"))
        try:
            if not self._held:
                self._settle()
        except BaseException:
            self.take_back(mark)
            raise
        self.seq += 1
        return self.seq

    def _settle(self) -> None:
        """Write what is owed, all of it or nothing."""
        if not self._owed:
            return
        self._before()
        length = os.fstat(self._file).st_size
        try:
            _write_all(self._file, b"".join(self._owed))
            os.fsync(self._file)
        except BaseException:
            self._cut(length)
            raise
        self._owed.clear()

    def _cut(self, length: int) -> None:
        if os.fstat(self._file).st_size > length:
            os.ftruncate(self._file, length)
            os.fsync(self._file)

    def _parse(self, number: int, line: bytes) -> dict[str, object]:
        try:
            record = json.loads(line)
        except ValueError as error:
            raise ProjectError(f"{self.path}: line {number} is not JSON ({error})") from error
        if not isinstance(record, dict) or record.get("seq") != number:
            raise ProjectError(f"{self.path}: line {number} is not action {number} of a project")
        return record

    def _paired(self) -> Iterator[JournalLine]:
        """Actions with their answers."""
        records = [*self._records, {}]
        for number, (record, after) in enumerate(pairwise(records), 1):
            if record.get("type") == "done":
                continue
            answer = None
            if after.get("type") == "done" and after.get("of") == number:
                answer = self._answer(number + 1, after)
            key = record.get("key")
            fields = {name: value for name, value in record.items() if name not in _OWN}
            try:
                action = from_json(fields)
            except ActionError as error:
                raise ProjectError(f"{self.path}: line {number}: {error}") from error
            yield JournalLine(number, action, key if isinstance(key, str) else None, answer)

    def _answer(self, number: int, record: dict[str, object]) -> Answer:
        version, frames = record.get("version"), record.get("frames")
        if (
            not isinstance(version, str)
            or not VERSION.fullmatch(version)
            or not isinstance(frames, list)
            or not all(isinstance(frame, int) and frame >= 0 for frame in frames)
        ):
            raise ProjectError(f"{self.path}: line {number} does not say what was answered")
        return Answer(version, tuple(frames))


def _nothing() -> None:
    """There is nothing to be done first."""


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
