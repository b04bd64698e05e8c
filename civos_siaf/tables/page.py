"""A reproduced table as text: Markdown, CSV and LaTeX, with footnotes, trends and provenance."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from civos_siaf.tables.reproduction import Results

KINDS = ("published", "ours", "difference")
_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_SPECIAL |= {character: "\\" + character for character in "&%$#_{}"}
_SPECIAL |= {"†": r"$\dagger$", "<": r"\textless{}", ">": r"\textgreater{}"}


def lines(results: Results) -> list[list[str]]:
    """The cells of each row as text: labels, then published, ours and difference of each column.

    Of a table that nobody has published, ours alone.
    """
    shown = slice(1, 2) if results.table.ours_only else slice(None)
    return [
        [*row.labels, *(text for figure in figures for text in figure.texts[shown])]
        for row, figures in zip(results.table.rows, results.figures, strict=True)
    ]


def markdown(results: Results, provenance: Mapping[str, Any], notes: Sequence[str] = ()) -> str:
    """The table as a page; also what is printed.

    Args:
        results: the table.
        provenance: facts by name.
        notes: beside those of the table.
    """
    table = results.table
    heads = (f"{head} {kind}" for head in table.columns for kind in KINDS)
    head = [*table.labels, *(table.columns if table.ours_only else heads)]
    how = "measured here" if table.ours_only else "each column as published, ours, and the difference"
    parts = [
        f"# {table.title}",
        f"{table.source}. {table.unit}; {how}.",
        _aligned(head, _with_sections(results)),
    ]
    if table.trends:
        parts += ["## Trends", "\n".join(trend_lines(results))]
    if results.missing:
        parts += ["## Missing", "\n".join(f"- {line}" for line in missing_lines(results))]
    if every := [*table.notes, *notes]:
        parts += ["## Notes", "\n".join(f"{number}. {note}" for number, note in enumerate(every, 1))]
    parts += ["## Provenance", "\n".join(f"- {name}: {value}" for name, value in provenance.items())]
    return "\n\n".join(parts) + "\n"


def trend_lines(results: Results) -> list[str]:
    """One line for each trend, and whether it holds."""
    return [
        f"- {published.trend.text}: ours, {ours}. Published, {published}."
        for published, ours in results.findings
    ]


def missing_lines(results: Results) -> list[str]:
    """Why cells have no figure of ours, each reason with its cells."""
    return [f"{reason} ({_listed(cells)})" for reason, cells in results.missing.items()]


def as_csv(results: Results) -> str:
    """One row per row of the table; figures in full, empty where there is none."""
    table = results.table
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    sections = any(row.section for row in table.rows)
    first = ["section"] if sections else []
    writer.writerow([*first, *table.labels, *(f"{head} {kind}" for head in table.columns for kind in KINDS)])
    section = ""
    for row, figures in zip(table.rows, results.figures, strict=True):
        section = row.section or section
        numbers = [n for figure in figures for n in (figure.published, figure.ours, figure.difference)]
        texts = ["" if number is None else f"{number:.6g}" for number in numbers]
        writer.writerow([*([section] if sections else []), *row.labels, *texts])
    return out.getvalue()


def latex(results: Results, provenance: Mapping[str, Any], notes: Sequence[str] = ()) -> str:
    """A `table*` that needs no package; provenance and trends as comments above it."""
    table = results.table
    kinds = ("",) if table.ours_only else ("publ.", "ours", "diff.")
    each = len(kinds)
    width, count = each * len(table.columns), len(table.labels)
    above = [f"% {name}: {value}" for name, value in provenance.items()]
    above += [f"% trend {line}" for line in trend_lines(results)]
    above += [f"% missing: {line}" for line in missing_lines(results)]
    spans = [(1, text) for text in table.labels] + [(each, text) for text in table.short_columns]
    over = [(1, "")] * count + [(each * span, text) for text, span in table.groups]
    under = [""] * count + [*kinds] * len(table.columns)
    body = [
        *([_spanned(over)] if table.groups else []),
        _spanned(spans),
        *([] if table.ours_only else [" & ".join(under) + r" \\"]),
        r"\hline",
    ]
    for row, cells in zip(table.rows, lines(results), strict=True):
        if row.section:
            body.append(rf"\multicolumn{{{count + width}}}{{l}}{{\textit{{{escaped(row.section)}}}}} \\")
        body.append(" & ".join(map(escaped, cells)) + r" \\")
    footnotes = " ".join(f"({n}) {note}" for n, note in enumerate([*table.notes, *notes], 1))
    return "\n".join(
        [
            *(line.replace("\n", " ") for line in above),
            r"\begin{table*}",
            r"\centering\footnotesize",
            rf"\caption{{{escaped(f'{table.title}. {table.source}. {table.unit}.')}}}",
            rf"\label{{tab:{table.name.replace('_', '-')}}}",
            rf"\begin{{tabular}}{{{'l' * count}{'r' * width}}}",
            r"\hline",
            *body,
            r"\hline",
            r"\end{tabular}",
            "",
            rf"\medskip\raggedright {escaped(footnotes)}",
            r"\end{table*}",
            "",
        ]
    )


def escaped(text: str) -> str:
    """Text as LaTeX prints it."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def _spanned(cells: Sequence[tuple[int, str]]) -> str:
    parts = [
        escaped(text) if span == 1 else rf"\multicolumn{{{span}}}{{c}}{{{escaped(text)}}}"
        for span, text in cells
    ]
    return " & ".join(parts) + r" \\"


def _with_sections(results: Results) -> list[list[str]]:
    rows = []
    for row, cells in zip(results.table.rows, lines(results), strict=True):
        if row.section:
            rows.append([f"*{row.section}*", *[""] * (len(cells) - 1)])
        rows.append(cells)
    return rows


def _aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns stand below each other when read as text."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * max(width, 3) for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def _listed(cells: Sequence[str], most: int = 4) -> str:
    more = f" and {len(cells) - most} more" if len(cells) > most else ""
    return f"{len(cells)} cell{'s' * (len(cells) > 1)}: {'; '.join(cells[:most])}{more}"
