"""Rows of a user's own method below those of a paper's table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from civos_siaf.tables.layout import Cell, Row, Table
from civos_siaf.tables.runs import Run

OWN = "own"
"""The role of the user's method."""
SECTION = "Own method"


def with_own_rows(table: Table, name: str, *, overrides: Sequence[str] = ()) -> Table:
    """The table with a row for each way in which it plays its systems, played by one more method.

    Rows of the paper that differ only in the system share an own row. What sets the own rows apart, such as
    the click strategy, stands behind the name.

    Args:
        table: of scores.
        name: of the method, as it is printed.
        overrides: of the method's configuration, as on the command line.

    Raises:
        ValueError: the table measures costs of SIAF's parts, or by number of objects.
    """
    if kinds := sorted({run.kind for run in table.runs} - {"evaluation"}):
        raise ValueError(
            f"table {table.name} measures {', '.join(kinds)}; a row of one's own needs a table of scores"
        )
    found: dict[tuple[Cell, ...], Row] = {}
    for row in table.rows:
        cells = tuple(_own(cell, tuple(overrides)) for cell in row.cells)
        if any(cell.run for cell in cells) and not any(_within(cells, other) for other in found):
            found[cells] = row
    shown = {cells: _first_run(cells) for cells in found}
    differing = [
        key for key, _ in next(iter(shown.values())).settings if len({r[key] for r in shown.values()}) > 1
    ]
    rows: list[Row] = []
    for cells, row in found.items():
        how = ", ".join(f"{key}={shown[cells][key]}" for key in differing)
        label = f"{name} ({how})" if how else name
        labels = (label, *[""] * (len(table.labels) - 1))
        rows.append(Row(f"{OWN} {row.key}", labels, cells, None if rows else SECTION))
    return replace(table, rows=(*table.rows, *rows))


def _own(cell: Cell, overrides: tuple[str, ...]) -> Cell:
    if cell.run is None:
        return Cell(None)
    return Cell(None, replace(cell.run, role=OWN, overrides=overrides), cell.measure)


def _within(cells: tuple[Cell, ...], others: tuple[Cell, ...]) -> bool:
    return all(cell.run is None or cell == other for cell, other in zip(cells, others, strict=True))


def _first_run(cells: tuple[Cell, ...]) -> Run:
    return next(cell.run for cell in cells if cell.run is not None)
