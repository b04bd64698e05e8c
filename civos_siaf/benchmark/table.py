"""The table of sequences: frames, objects, size, scribble sets."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from civos_siaf.runtime.text_files import read_text

PUBLISHED = {"davis2017": Path(__file__).parent / "davis2017.csv"}
COLUMNS = ("sequence", "frames", "objects", "width", "height")


@dataclass(frozen=True, slots=True)
class SequenceInfo:
    """Facts of one sequence: T, H, W, K, and how many first scribbles there are."""

    name: str
    num_frames: int
    height: int
    width: int
    num_objects: int
    scribble_sets: int = 1

    def with_scribble_sets(self, number: int) -> SequenceInfo:
        """The same with another number of first scribbles."""
        return replace(self, scribble_sets=number)


def read_table(source: str | Path | Mapping[str, SequenceInfo] | None) -> dict[str, SequenceInfo]:
    """A table by sequence from a published name, a CSV file, or a mapping; None is empty.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a column is missing, or a value is not a number; the message names file and line.
    """
    if source is None:
        return {}
    if isinstance(source, Mapping):
        return dict(source)
    path = PUBLISHED.get(str(source), Path(source))
    if not path.is_file():
        raise FileNotFoundError(f"no table at {path}; published tables: {', '.join(PUBLISHED)}")
    reader = csv.DictReader(io.StringIO(read_text(path)))
    if missing := [column for column in COLUMNS if column not in (reader.fieldnames or ())]:
        raise ValueError(f"{path}: no column {', '.join(missing)}")
    table = {}
    for row in reader:
        try:
            frames, objects, width, height = (int(row[column]) for column in COLUMNS[1:])
        except (TypeError, ValueError):
            raise ValueError(f"{path}, line {reader.line_num}: expected whole numbers, got {row}") from None
        table[row["sequence"]] = SequenceInfo(row["sequence"], frames, height, width, objects)
    return table
