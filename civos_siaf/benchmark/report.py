"""The report: one row per sample, round, frame and object, written as the rounds are played.

Source: docs/specification/davis-interactive.md section 7.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from civos_siaf.benchmark.rounds import RoundScores
from civos_siaf.runtime.files import write_text

ORIGINAL_COLUMNS = (
    "session_id",
    "sequence",
    "scribble_idx",
    "interaction",
    "object_id",
    "frame",
    "jaccard",
    "contour",
    "j_and_f",
    "timing",
)
COLUMNS = (*ORIGINAL_COLUMNS, "clicks", "strokes", "annotated_frames")
REPORT = "report.csv"
JOURNAL = "finished.jsonl"
_TEXT = ("session_id", "sequence", "scribble_idx", "annotated_frames")
_NUMBERS = ("jaccard", "contour", "j_and_f", "timing")
_TYPES: dict[str, Callable[[str], Any]] = {**dict.fromkeys(_TEXT, str), **dict.fromkeys(_NUMBERS, float)}

Row = tuple[Any, ...]


def rows_of(scores: RoundScores, *, session_id: str, clicks: int = 0, strokes: int = 0) -> Iterator[Row]:
    """The rows of one round: frames outside, objects inside."""
    frames = " ".join(map(str, scores.annotated_frames))
    head = (session_id, *scores.sample.key, scores.round)
    tail = (scores.seconds, clicks, strokes, frames)
    j, f, j_and_f = scores.j.tolist(), scores.f.tolist(), scores.j_and_f.tolist()
    for frame in range(len(j)):
        for k in range(len(j[frame])):
            yield (*head, k + 1, frame, j[frame][k], f[frame][k], j_and_f[frame][k], *tail)


class Report:
    """A report in a folder (`report.csv`, `finished.jsonl`), or in memory when there is no folder.

    Rows reach the disk when their round ends. A sample that ends is noted in `finished.jsonl`; opening the
    folder again keeps the rows of finished samples and forgets those of a sample that was cut off, which is
    to be played again from its first round.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._rows: list[Row] = []
        self.finished: set[tuple[str, str]] = set()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._reopen()

    @property
    def path(self) -> Path | None:
        """The CSV file."""
        return self.folder / REPORT if self.folder else None

    def add(self, rows: Iterable[Row]) -> None:
        """Append the rows of one round; they are on the disk when this returns."""
        rows = list(rows)
        self._rows += rows
        if self.path is not None:
            _append(self.path, _csv(rows))

    def finish(self, key: tuple[str, str]) -> None:
        """Note that a sample has been played to its end."""
        self.finished.add(key)
        if self.folder is not None:
            _append(self.folder / JOURNAL, json.dumps(key) + "\n")

    def table(self) -> pd.DataFrame:
        """All rows, with the columns of `COLUMNS`."""
        return pd.DataFrame(self._rows, columns=list(COLUMNS))

    def _reopen(self) -> None:
        assert self.folder is not None
        assert self.path is not None
        self.finished = finished_samples(self.folder)
        if self.path.exists():
            table = read_report(self.path, partial=True)
            kept = [key in self.finished for key in zip(table.sequence, table.scribble_idx, strict=True)]
            self._rows = list(table[kept].itertuples(index=False, name=None))
        write_text(self.path, ",".join(COLUMNS) + "\n" + _csv(self._rows))
        journal = "".join(json.dumps(key) + "\n" for key in sorted(self.finished))
        write_text(self.folder / JOURNAL, journal)


def finished_samples(folder: Path) -> set[tuple[str, str]]:
    """The samples that a folder's report holds to their end; reads only."""
    journal = folder / JOURNAL
    return {tuple(entry) for entry in _complete_lines(journal)} if journal.exists() else set()


def read_report(path: Path | str, *, partial: bool = False) -> pd.DataFrame:
    """Read a report, ours or one of the original toolkit; its index column is dropped.

    Args:
        path: the CSV file.
        partial: leave out a last line that was cut off.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a report; the message names the missing columns.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no report at {path}")
    text = path.read_text(encoding="utf-8")
    if partial and not text.endswith("\n"):
        text = text[: text.rfind("\n") + 1]
    head, *rows = [*csv.reader(io.StringIO(text))] or [[]]
    if missing := [column for column in ORIGINAL_COLUMNS if column not in head]:
        raise ValueError(f"{path}: not a report, no column {', '.join(missing)}")
    columns = {name: head.index(name) for name in COLUMNS if name in head}
    try:
        return pd.DataFrame(
            {name: [_TYPES.get(name, int)(row[place]) for row in rows] for name, place in columns.items()}
        )
    except (ValueError, IndexError) as error:
        raise ValueError(f"{path}: a row is not one of a report ({error})") from error


def original_csv(table: pd.DataFrame) -> str:
    """The report as the original toolkit writes it: its ten columns after an unnamed row number."""
    return str(table[list(ORIGINAL_COLUMNS)].reset_index(drop=True).to_csv(lineterminator="\n"))


def _csv(rows: Iterable[Row]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _complete_lines(path: Path) -> Iterator[Any]:
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            yield json.loads(line)
