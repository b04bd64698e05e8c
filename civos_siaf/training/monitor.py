"""What a training leaves behind to look at: TensorBoard and a table of its scalars."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from civos_siaf.runtime.files import write_text

LOG = "log.jsonl"


class Monitor:
    """Writes scalars and pictures of one training.

    Args:
        folder: of the training; TensorBoard's files go below it.
        start: step from which the training goes on; what was logged from there on is dropped.
    """

    def __init__(self, folder: Path, *, start: int = 0) -> None:
        self._log = folder / LOG
        if self._log.exists():
            # A kill can leave half a line at the end.
            rows = [row for row in read_log(folder) if row["step"] <= start]
            write_text(self._log, "".join(json.dumps(row) + "\n" for row in rows))
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=start or None)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Log numbers after `step` steps."""
        for name, value in values.items():
            self._board.add_scalar(name, value, step)
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")

    def picture(self, step: int, image: NDArray[np.uint8]) -> None:
        """Log an image (H, W, 3)."""
        self._board.add_image("pictures", image, step, dataformats="HWC")

    def close(self) -> None:
        """Write what is still held back."""
        self._board.close()


def read_log(folder: Path | str) -> list[dict[str, float]]:
    """All rows that a training in `folder` has logged; half-written ones are left out."""
    rows = []
    for line in (Path(folder) / LOG).read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows


def write_csv(folder: Path | str, target: Path | str) -> None:
    """The log as a CSV file, one column per name."""
    rows = read_log(folder)
    names = list(dict.fromkeys(name for row in rows for name in row))
    with Path(target).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
