"""A paper's table: its rows and columns, the published figures, and what is to be run for each cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from civos_siaf.tables.runs import Measure, Run, run_of
from civos_siaf.tables.trends import Trend


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure.

    Attributes:
        published: None where the paper prints none.
        run: None where nothing is to be run.
        measure: which figure of the run it is; None without a run.
    """

    published: float | None
    run: Run | None = None
    measure: Measure | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        key: its name in trends.
        labels: as printed.
        cells: its figures.
        section: a line to be printed above it.
        curve: published J&F after each round, in the table's unit, where somebody has published it.
    """

    key: str
    labels: tuple[str, ...]
    cells: tuple[Cell, ...]
    section: str | None = None
    curve: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a paper.

    Attributes:
        name: as on the command line.
        title: what it shows.
        source: paper and number.
        unit: of its figures.
        labels: headings of the columns that name a row.
        columns: headings of the others.
        groups: headings above those, each with the number of columns below it, whose names begin with it.
        rows: from top to bottom.
        decimals: that the paper prints; ours have one more.
        comparable: False: the difference says nothing, as the units differ.
        curves: whether the figures are drawn as curves down the rows, too.
        round_curves: who has published the rows' J&F by rounds, which is drawn beside ours; None: it is not
            drawn.
        ours_only: nobody has published such a table; every cell is run, and printed as ours alone.
        notes: what a reader must know, the paper's known inconsistencies among them.
        trends: what should hold between cells.
    """

    name: str
    title: str
    source: str
    unit: str
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    groups: tuple[tuple[str, int], ...] = ()
    decimals: int = 2
    comparable: bool = True
    curves: bool = False
    round_curves: str | None = None
    ours_only: bool = False
    notes: tuple[str, ...] = ()
    trends: tuple[Trend, ...] = field(default=())

    @property
    def cells(self) -> Iterator[tuple[Row, str, Cell]]:
        """Every cell with its row and the heading of its column."""
        for row in self.rows:
            for column, cell in zip(self.columns, row.cells, strict=True):
                yield row, column, cell

    @property
    def short_columns(self) -> tuple[str, ...]:
        """Headings of the columns without that of their group."""
        groups = [text for text, span in self.groups for _ in range(span)] or [""] * len(self.columns)
        return tuple(c.removeprefix(g).strip() for g, c in zip(groups, self.columns, strict=True))

    @property
    def runs(self) -> list[Run]:
        """What is to be run, each once, in the order of the cells."""
        return list(dict.fromkeys(cell.run for _, _, cell in self.cells if cell.run is not None))


def table(
    *,
    name: str,
    title: str,
    source: str,
    unit: str,
    labels: Sequence[str],
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    run: Mapping[str, Any] | None = None,
    column_runs: Sequence[Mapping[str, Any]] | None = None,
    groups: Sequence[Sequence[Any]] = (),
    decimals: int = 2,
    comparable: bool = True,
    curves: bool = False,
    round_curves: str | None = None,
    ours_only: bool = False,
    notes: Sequence[str] = (),
    trends: Sequence[Mapping[str, Any]] = (),
    rounds: int | None = None,
) -> Table:
    """Read a table as it is written in `configs/table`.

    What is run for a cell is `run`, with the entries of its column in `column_runs`, of its row in the row's
    `run`, and of the cell in the row's `cells` on top, in this order. A row with `run: null` is printed as
    published; so is a cell without a published figure, where the paper has a dash. A row with
    `published: null` is ours alone, and every cell of it is run.

    Args:
        rows: each with key, labels, published (a number or null per column), and if wanted run, cells,
            section, and curve (published J&F after each round; else that in columns headed by a number).
        rounds: play this many in place of the table's own; None: the table's.
        run: see above.
        column_runs: see above, one per column.
        groups: pairs of heading and number of columns.
        trends: as `Trend`.
        name: see `Table`, as for the others.
        title: see `Table`.
        source: see `Table`.
        unit: see `Table`.
        labels: see `Table`.
        columns: see `Table`.
        decimals: see `Table`.
        comparable: see `Table`.
        curves: see `Table`.
        round_curves: see `Table`.
        ours_only: see `Table`; rows need no published figures then.
        notes: see `Table`.

    Raises:
        ValueError: the parts do not fit; the message names table and row.
    """
    if groups and sum(int(span) for _, span in groups) != len(columns):
        raise ValueError(f"table {name}: the groups do not span the {len(columns)} columns")
    per_column = column_runs if column_runs is not None else [{}] * len(columns)
    if len(per_column) != len(columns):
        raise ValueError(f"table {name}: {len(per_column)} column_runs for {len(columns)} columns")
    found = []
    for entry in rows:
        where = f"table {name}, row {entry.get('key')}"
        if unknown := set(entry) - {"key", "labels", "published", "run", "cells", "section", "curve"}:
            raise ValueError(f"{where}: unknown {', '.join(sorted(unknown))}")
        none_published = ours_only or entry["published"] is None
        published = [None] * len(columns) if none_published else entry["published"]
        own = entry.get("cells") or [{}] * len(columns)
        if not len(published) == len(own) == len(columns) or len(entry["labels"]) != len(labels):
            raise ValueError(f"{where}: needs {len(columns)} figures and {len(labels)} labels")
        settings = [
            {**(run or {}), **column, **(entry.get("run") or {}), **cell}
            for column, cell in zip(per_column, own, strict=True)
        ]
        runs = not ("run" in entry and entry["run"] is None)
        cells = tuple(
            _cell(value, one if runs else None, always=curves or none_published, rounds=rounds, where=where)
            for value, one in zip(published, settings, strict=True)
        )
        labelled = tuple(map(str, entry["labels"]))
        curve = _curve(entry, columns, published) if round_curves else None
        found.append(Row(str(entry["key"]), labelled, cells, entry.get("section"), curve))
    keys = [row.key for row in found]
    if len(set(keys)) < len(keys):
        raise ValueError(f"table {name}: two rows with the same key among {', '.join(keys)}")
    made = tuple(Trend.of(trend, rows=keys, columns=columns, where=f"table {name}") for trend in trends)
    return Table(
        name=name,
        title=title,
        source=source,
        unit=unit,
        labels=tuple(labels),
        columns=tuple(map(str, columns)),
        rows=tuple(found),
        groups=tuple((str(text), int(span)) for text, span in groups),
        decimals=decimals,
        comparable=comparable,
        curves=curves,
        round_curves=round_curves,
        ours_only=ours_only,
        notes=tuple(notes),
        trends=made,
    )


def _curve(
    entry: Mapping[str, Any], columns: Sequence[str], published: Sequence[float | None]
) -> tuple[float, ...] | None:
    """Published J&F after each round: given as such, else in the columns headed by a number."""
    values = entry.get("curve")
    if values is None:
        values = [value for head, value in zip(columns, published, strict=True) if str(head).isdigit()]
    given = tuple(float(value) for value in values if value is not None)
    return given or None


def _cell(
    value: float | None, settings: Mapping[str, Any] | None, *, always: bool, rounds: int | None, where: str
) -> Cell:
    if settings is None or (value is None and not always):
        return Cell(value)
    run, measure = run_of(settings, rounds=rounds, where=where)
    return Cell(value, run, measure)
