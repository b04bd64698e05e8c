"""A reproduced table as a picture in the paper's layout."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Picture

from civos_siaf.runtime.files import atomic_path
from civos_siaf.tables.layout import Table
from civos_siaf.tables.page import KINDS, lines, missing_lines, trend_lines
from civos_siaf.tables.reproduction import Figure, Results
from civos_siaf.tables.round_curves import ROUND_CURVES, draw_round_curves

CHARACTER, LINE, PAD = 0.086, 0.27, 0.22
"""Inches of a character of the table, of its lines, and around it."""
GREY, GOOD, BAD, OURS = "#5c6370", "#1a7f37", "#b42318", "#0b3d91"
_NARROW = 7.5
"""Least width in inches."""


def draw(
    results: Results, path: Path | str, *, ours: str = "", notes: Sequence[str] = (), about: str = ""
) -> None:
    """Write a PNG: title, table, curves if the table has them, trends, footnotes, a line of provenance.

    Args:
        results: the table.
        path: where to.
        ours: the models and data of our figures, for the line below the title, which is the paper's.
        notes: footnotes beside those of the table.
        about: where the figures are from.
    """
    # A dollar sign, in a command for instance, is no formula.
    with rc_context({"text.parse_math": False}):
        picture = _picture(results, ours, notes, about)
    with atomic_path(path) as temporary:
        picture.savefig(temporary, dpi=130, format="png")


def _picture(results: Results, ours: str, notes: Sequence[str], about: str) -> Picture:
    table = results.table
    texts = lines(results)
    count = len(table.labels)
    kinds = _kinds(table)
    span = len(kinds)
    widths = [
        max([len(label), *(len(row[index]) for row in texts)]) + 2 for index, label in enumerate(table.labels)
    ]
    for index, kind in enumerate(kinds * len(table.columns)):
        head = -(-len(table.short_columns[index // span]) // span)
        widths.append(max([len(kind), head, *(len(row[count + index]) for row in texts)]) + 2)
    inches = [CHARACTER * width for width in widths]
    inches = [one * max(1.0, (_NARROW - 2 * PAD) / sum(inches)) for one in inches]
    width = sum(inches) + 2 * PAD
    below = _below(results, notes, about, width)
    heads = 1 + (span > 1) + bool(table.groups)
    rows = len(texts) + sum(row.section is not None for row in table.rows)
    title = textwrap.wrap(table.title, int((width - 2 * PAD) / 0.105))
    curves = 3.0 if table.curves else ROUND_CURVES if table.round_curves else 0.0
    above = len(title) + 1.3 + (0.8 if ours else 0.0)
    height = 2 * PAD + LINE * (above + heads + rows + 0.6) + curves + 0.19 * len(below)
    picture = Picture(figsize=(width, height))
    FigureCanvasAgg(picture)
    axes = picture.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    y = PAD + LINE / 2
    for line in title:
        axes.text(PAD, y, line, fontsize=12, fontweight="bold", va="center")
        y += LINE
    axes.text(PAD, y, f"{table.source}. {table.unit}.", fontsize=9, color=GREY, va="center")
    if ours:
        y += 0.8 * LINE
        axes.text(PAD, y, f"Ours: {ours}", fontsize=9, color=OURS, va="center")
    y += LINE * 1.1
    edges = [PAD + sum(inches[:index]) for index in range(len(inches) + 1)]
    y = _rows(axes, results, texts, edges, y)
    if curves:
        box = (PAD + 0.4, y + 0.3, width - 2 * PAD - 0.5, curves - 0.9)
        (_curves if table.curves else draw_round_curves)(picture, results, box, (width, height))
        y += curves
    y += 0.1
    for text, colour in below:
        axes.text(PAD, y, text, fontsize=8, color=colour, va="center")
        y += 0.19
    return picture


def _kinds(table: Table) -> tuple[str, ...]:
    """Heads of the figures in each column; a table that nobody has published holds ours alone."""
    return ("ours",) if table.ours_only else ("publ.", "ours", "diff.")


def _rows(
    axes: Axes, results: Results, texts: Sequence[Sequence[str]], edges: list[float], y: float
) -> float:
    table = results.table
    count, right = len(table.labels), edges[-1]
    kinds = _kinds(table)
    span = len(kinds)
    axes.plot((PAD, right), (y - LINE / 2,) * 2, color="black", linewidth=1.4)
    if table.groups:
        start = 0
        for text, wide in table.groups:
            left, end = edges[count + span * start], edges[count + span * (start + wide)]
            axes.text((left + end) / 2, y, text, fontsize=9.5, ha="center", va="center")
            axes.plot((left + 0.06, end - 0.06), (y + LINE / 2,) * 2, color="black", linewidth=0.6)
            start += wide
        y += LINE
    for index, label in enumerate(table.labels):
        axes.text(edges[index] + 0.04, y, label, fontsize=9.5, va="center")
    for index, text in enumerate(table.short_columns):
        left, end = edges[count + span * index], edges[count + span * (index + 1)]
        axes.text((left + end) / 2, y, text, fontsize=9.5, ha="center", va="center", fontweight="bold")
        for place, kind in enumerate(kinds if span > 1 else ()):
            x = edges[count + span * index + place + 1] - 0.08
            axes.text(x, y + LINE, kind, fontsize=8, color=GREY, ha="right", va="center")
    y += LINE if span == 1 else 2 * LINE
    top = y - LINE / 2
    axes.plot((PAD, right), (top, top), color="black", linewidth=0.8)
    for number, (row, cells, figures) in enumerate(zip(table.rows, texts, results.figures, strict=True)):
        if row.section:
            axes.text((PAD + right) / 2, y, row.section, fontsize=9, ha="center", va="center", style="italic")
            y += LINE
        if number % 2 == 0:
            axes.fill_between((PAD, right), y - LINE / 2, y + LINE / 2, color="#f3f5f8", linewidth=0)
        for index, label in enumerate(cells[:count]):
            axes.text(edges[index] + 0.04, y, label, fontsize=9.5, va="center")
        for index, cell in enumerate(cells[count:]):
            style = _style(figures[index // span], KINDS.index("ours") if span == 1 else index % span)
            axes.text(edges[count + index + 1] - 0.08, y, cell, ha="right", va="center", **style)
        y += LINE
    for index in range(1, len(table.columns)):
        x = edges[count + span * index]
        axes.plot((x, x), (top, y - LINE / 2), color="#d0d5dd", linewidth=0.6)
    axes.plot((PAD, right), (y - LINE / 2,) * 2, color="black", linewidth=1.4)
    return y


def _style(figure: Figure, place: int) -> dict[str, Any]:
    if place == 1:
        if figure.why_not is not None:
            return {"fontsize": 8, "color": BAD, "style": "italic"}
        return {"fontsize": 9.5, "color": OURS if figure.ours is not None else GREY, "fontweight": "bold"}
    if place == 2 and figure.difference is not None:
        return {"fontsize": 9, "color": "#333333"}
    return {"fontsize": 9.5, "color": "black" if place == 0 and figure.published is not None else GREY}


def _curves(
    picture: Picture, results: Results, box: tuple[float, float, float, float], size: tuple[float, float]
) -> None:
    """A curve down each column, published and ours on axes of their own where units differ."""
    table = results.table
    (left, top, wide, high), (width, height) = box, size
    panels = ("published", "ours")
    for number, kind in enumerate(panels):
        part = (wide - 0.7) / 2
        x = left + number * (part + 0.7)
        axes = picture.add_axes((x / width, 1 - (top + high) / height, part / width, high / height))
        for index, column in enumerate(table.columns):
            points = [
                (int(row.key), value)
                for row, figures in zip(table.rows, results.figures, strict=True)
                if (value := getattr(figures[index], kind)) is not None
            ]
            if points:
                axes.plot(*zip(*points, strict=True), "o-", label=column, markersize=4)
        axes.set_title("published" if kind == "published" else f"ours, {table.unit}", fontsize=9)
        axes.set_xlabel(table.labels[0], fontsize=8)
        axes.set_ylim(0, None)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize=8)


def _below(results: Results, notes: Sequence[str], about: str, width: float) -> list[tuple[str, str]]:
    """Lines of small print with their colours."""
    entries: list[tuple[str, str]] = []
    for line, (_, ours) in zip(trend_lines(results), results.findings, strict=True):
        entries.append(
            (f"Trend: {line.removeprefix('- ')}", {True: GOOD, False: BAD, None: GREY}[ours.holds])
        )
    entries += [(f"Missing: {line}", BAD) for line in missing_lines(results)]
    entries += [(f"{n}. {note}", GREY) for n, note in enumerate([*results.table.notes, *notes], 1)]
    entries.append((about, GREY))
    letters = int((width - 2 * PAD) / 0.061)
    return [(part, colour) for text, colour in entries for part in textwrap.wrap(text, letters)]
