"""What should hold between the cells of a table, and whether it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

RELATIONS = ("rising", "not_falling", "flat")
ALONG = ("rows", "columns")
Values = Mapping[tuple[str, str], float | None]
"""Figures by key of the row and heading of the column."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A claim about sequences of cells.

    Attributes:
        text: the claim.
        along: columns: each row is a sequence; rows: each column is one.
        relation: rising: each figure above the one before; not_falling: none below the one before by more
            than the tolerance; flat: the largest at most this part above the smallest.
        rows: keys, in the order of the sequence where it goes along them.
        columns: headings, likewise.
        tolerance: see `relation`.
    """

    text: str
    along: str
    relation: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    tolerance: float = 0.0

    @classmethod
    def of(
        cls, entry: Mapping[str, Any], *, rows: Sequence[str], columns: Sequence[str], where: str
    ) -> Trend:
        """From a table's file.

        Raises:
            ValueError: unknown rows, columns, or relation.
        """
        trend = cls(
            str(entry["text"]),
            str(entry["along"]),
            str(entry["relation"]),
            tuple(map(str, entry.get("rows") or rows)),
            tuple(map(str, entry.get("columns") or columns)),
            float(entry.get("tolerance", 0)),
        )
        wrong = [key for key in trend.rows if key not in rows]
        wrong += [key for key in trend.columns if key not in columns]
        if wrong or trend.relation not in RELATIONS or trend.along not in ALONG:
            raise ValueError(
                f"{where}, trend {trend.text!r}: {wrong or (trend.along, trend.relation)} is not known"
            )
        return trend

    def check(self, values: Values) -> Finding:
        """Compare the figures there are; a sequence of fewer than two says nothing."""
        failures: list[str] = []
        compared = 0
        for name, sequence in self._sequences(values):
            if len(sequence) < 2:
                continue
            compared += 1
            failures += [f"{name}: {failure}" for failure in self._failures(sequence)]
        return Finding(self, compared, tuple(failures))

    def _sequences(self, values: Values) -> list[tuple[str, list[tuple[str, float]]]]:
        outer, inner = (self.rows, self.columns) if self.along == "columns" else (self.columns, self.rows)
        found = []
        for one in outer:
            keys = [(one, other) if self.along == "columns" else (other, one) for other in inner]
            pairs = [(other, values.get(key)) for other, key in zip(inner, keys, strict=True)]
            found.append((one, [(other, value) for other, value in pairs if value is not None]))
        return found

    def _failures(self, sequence: Sequence[tuple[str, float]]) -> list[str]:
        if self.relation == "flat":
            low, high = min(sequence, key=lambda p: p[1]), max(sequence, key=lambda p: p[1])
            limit = low[1] * (1 + self.tolerance)
            if high[1] <= limit:
                return []
            return [
                f"{high[1]:.4g} at {high[0]}, {low[1]:.4g} at {low[0]} (more than {self.tolerance:.0%} apart)"
            ]
        strict = self.relation == "rising"
        return [
            f"{b:.4g} at {second} after {a:.4g} at {first}"
            for (first, a), (second, b) in pairwise(sequence)
            if (b <= a if strict else b < a - self.tolerance)
        ]


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a trend holds.

    Attributes:
        trend: which.
        compared: sequences with at least two figures.
        failures: where it does not hold, with the figures.
    """

    trend: Trend
    compared: int
    failures: tuple[str, ...]

    @property
    def holds(self) -> bool | None:
        """None: there was nothing to compare."""
        return None if not self.compared else not self.failures

    def __str__(self) -> str:
        if self.holds is None:
            return "nothing to compare"
        return "holds" if self.holds else "does not hold: " + "; ".join(self.failures)
