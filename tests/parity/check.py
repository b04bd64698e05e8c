"""One compared array, and the checkers that compare whole folders."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

CHECKERS: tuple[tuple[str, str], ...] = (
    # (a file that shows the checker applies, "module:function" of the checker)
    ("metrics.npz", "tests.parity.davis:check"),
    ("clicks.json", "tests.parity.clicks:check"),
    ("auc.json", "tests.parity.davis_rounds:check_auc"),
    ("hrnet18s-ocr_shapes.json", "tests.parity.ritm:check"),
    ("clicks.json", "tests.parity.noc:check"),
    ("fusion_shapes.json", "tests.parity.mivos:check"),  # IPN has a propagation_shapes.json too
    ("stm_shapes.json", "tests.parity.stm:check"),
    ("fbrs_shapes.json", "tests.parity.fbrs:check"),
    ("lr_schedule.json", "tests.parity.aot_training:check"),
    ("aott_shapes.json", "tests.parity.aot:check"),
    ("assessment_shapes.json", "tests.parity.ivos_w:check"),
)
IGNORED_SUFFIXES = frozenset({".md", ".py", ".pyc", ".jpg", ".png", ".txt"})


@dataclass(frozen=True, slots=True)
class Check:
    """One array held against its reference: ok when the maximal error is at most the tolerance."""

    name: str
    error: float
    tolerance: float
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether the error is within the tolerance (never for NaN)."""
        return self.error <= self.tolerance

    def __str__(self) -> str:
        verdict = "ok" if self.ok else "FAILED"
        note = f"  ({self.note})" if self.note else ""
        return f"{self.name:<58} {self.error:>10.3g} {self.tolerance:>10.3g}  {verdict}{note}"

    @classmethod
    def compare(
        cls, name: str, ours: ArrayLike, reference: ArrayLike, *, tolerance: float = 0.0, note: str = ""
    ) -> Check:
        """Compare two arrays: the error is the largest absolute difference, infinite for other shapes.

        NaN agrees with NaN only.
        """
        a, b = np.asarray(ours), np.asarray(reference)
        if a.shape != b.shape:
            return cls(name, math.inf, tolerance, f"shape {a.shape}, reference {b.shape}")
        if a.size == 0:
            return cls(name, 0.0, tolerance, note)
        a, b = a.astype(np.float64), b.astype(np.float64)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        error = np.abs(np.where(same, 0.0, a) - np.where(same, 0.0, b))
        return cls(name, float(np.where(np.isnan(error), math.inf, error).max()), tolerance, note)

    @classmethod
    def equal(cls, name: str, ours: object, reference: object) -> Check:
        """Compare two values that must be the same."""
        if ours == reference:
            return cls(name, 0.0, 0.0)
        return cls(name, math.inf, 0.0, f"got {str(ours)[:80]}, reference {str(reference)[:80]}")


@dataclass
class Folder:
    """A fixture folder, and which of its files have been read."""

    path: Path
    used: set[str] = field(default_factory=set)

    def has(self, name: str) -> bool:
        """Whether the folder holds this file."""
        return (self.path / name).is_file()

    def json(self, name: str) -> Any:
        """Parse a JSON file."""
        return json.loads(self.file(name).read_text(encoding="utf-8"))

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Load all arrays of an npz file."""
        with np.load(self.file(name)) as archive:
            return dict(archive)

    def file(self, name: str) -> Path:
        """Path of a file, which counts as read from now on."""
        self.used.add(name)
        return self.path / name

    def unread(self) -> list[str]:
        """Files with reference values that nobody has read."""
        names = sorted(path.name for path in self.path.iterdir() if path.is_file())
        return [n for n in names if Path(n).suffix not in IGNORED_SUFFIXES and n not in self.used]


def check_folder(path: Path | str, *, unread: Callable[[list[str]], None] | None = None) -> Iterator[Check]:
    """Run every checker that applies to a fixture folder.

    Args:
        path: the folder.
        unread: called at the end with the names of the files that no checker has read.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: no checker applies to it.
    """
    folder = Folder(Path(path))
    if not folder.path.is_dir():
        raise FileNotFoundError(f"no fixture folder at {path}")
    found = [target for marker, target in CHECKERS if folder.has(marker)]
    if not found:
        raise ValueError(f"{path}: none of the files that checkers know: {', '.join(m for m, _ in CHECKERS)}")
    for target in found:
        module, function = target.split(":")
        yield from getattr(importlib.import_module(module), function)(folder)
    if unread is not None:
        unread(folder.unread())
