"""States of a method's session after a round, on disk, for methods that can save them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from civos_siaf.files import write_text

_NOTE = "session.json"


class SessionFiles:
    """The saved states of one project; only the last few are kept.

    Args:
        folder: made when something is saved.
        method: name of the method; states of others are not loaded.
        most: how many are kept.
    """

    def __init__(self, folder: Path, method: str, *, most: int = 2) -> None:
        self.folder = folder
        self.method = method
        self.most = most

    def path(self, version: str) -> Path:
        """Where the state after this round is."""
        return self.folder / version

    def objects(self, version: str) -> int | None:
        """For how many objects the state after this round is; None if it was not saved."""
        try:
            note = json.loads((self.path(version) / _NOTE).read_text(encoding="utf-8"))
            return int(note["objects"]) if note["method"] == self.method else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, version: str, objects: int, save: Callable[[Path], object]) -> None:
        """Call `save` with an empty folder, and keep what it writes there."""
        folder = self.folder / f".unfinished-{version}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            save(folder)
            write_text(folder / _NOTE, json.dumps({"method": self.method, "objects": objects}))
            shutil.rmtree(self.path(version), ignore_errors=True)
            folder.rename(self.path(version))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self._thin()

    def _thin(self) -> None:
        for old in sorted(self.folder.iterdir(), key=_number)[: -self.most]:
            shutil.rmtree(old, ignore_errors=True)


def _number(path: Path) -> int:
    """Later rounds have higher numbers, whatever the clock says; what is no state is older than any."""
    number = path.name[1:]
    return int(number) if number.isdecimal() else -1
