"""The summary of a batch, for people and for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from civos_siaf.app.batch.run import FAILED, Record
from civos_siaf.runtime.files import write_text

COLUMNS = ("video", "status", "frames", "objects", "rounds", "seconds", "seconds_per_frame", "error")


def write_summary(folder: Path | str, records: Sequence[Record]) -> None:
    """Write `summary.csv`, `summary.json` and `summary.md` into `folder`."""
    folder, rows = Path(folder), [_row(record) for record in records]
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    write_text(folder / "summary.csv", text.getvalue())
    write_text(
        folder / "summary.json", json.dumps({"totals": totals(records), "videos": rows}, indent=1) + "\n"
    )
    write_text(folder / "summary.md", markdown(records))


def totals(records: Sequence[Record]) -> dict[str, object]:
    """Videos, failed ones, frames and seconds."""
    good = [record for record in records if record.status != FAILED]
    return {
        "videos": len(records),
        "failed": len(records) - len(good),
        "frames": sum(record.frames for record in good),
        "seconds": round(sum(record.seconds for record in good), 3),
    }


def markdown(records: Sequence[Record]) -> str:
    """The summary as a table with a line of totals."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
    for record in records:
        row = _row(record)
        lines.append("| " + " | ".join(_cell(row[column]) for column in COLUMNS) + " |")
    numbers = ", ".join(f"{name}: {value}" for name, value in totals(records).items())
    return "\n".join([*lines, "", numbers, ""])


def _row(record: Record) -> dict[str, object]:
    return asdict(record) | {"seconds_per_frame": round(record.seconds_per_frame, 4)}


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("\\", "\\\\").replace("|", "\\|")
