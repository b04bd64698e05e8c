"""Writing a reproduced table: Markdown, CSV, LaTeX, PNG, and its provenance as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from civos_siaf.benchmark.environment import environment
from civos_siaf.runtime.files import write_text
from civos_siaf.tables.models import Models
from civos_siaf.tables.page import as_csv, latex, markdown
from civos_siaf.tables.picture import draw
from civos_siaf.tables.reproduction import Results

PAPERS_DATA = "davis2017 val, 480p, 2017"
"""How the papers' data set reads."""


def provenance(results: Results, models: Models, *, data: str, command: str) -> dict[str, Any]:
    """Models, data, machine and commits behind the figures."""
    facts = environment()
    commits = sorted({str(cell["commit"] or "not noted") for cell in results.cells.values()})
    machines = sorted({f"{cell['device']}, {cell['processor']}" for cell in results.cells.values()})
    packages = (f"{name} {number}" for name, number in facts["packages"].items() if number)
    return {
        "command": command,
        "models": models.name,
        "data": data,
        "complete": "yes" if results.complete else "no",
        "cells": ", ".join(sorted(results.cells)) or "none",
        "commit of the cells": ", ".join(commits) or "none",
        "commit of this page": facts["commit"],
        "machine of the cells": "; ".join(machines) or "none",
        "python": f"{facts['python']}, {facts['platform']}, {facts['cores']} cores",
        "packages": ", ".join(packages),
    }


def write_table(
    results: Results, folder: Path | str, *, facts: Mapping[str, Any], notes: Sequence[str] = ()
) -> str:
    """Write NAME.md, .csv, .tex, .png and .json; returns the Markdown.

    Args:
        results: the table.
        folder: where to.
        facts: provenance.
        notes: beside those of the table.
    """
    target = Path(folder) / results.table.name
    page = markdown(results, facts, notes)
    about = f"{facts['command']} | data: {facts['data']} | commit {facts['commit of the cells']}"
    write_text(target.with_suffix(".csv"), as_csv(results))
    write_text(target.with_suffix(".tex"), latex(results, facts, notes))
    ours = (
        f"{facts['models']} models on {facts['data']}"
        if any(run.kind == "evaluation" for run in results.table.runs)
        else ""
    )
    draw(
        results,
        target.with_suffix(".png"),
        ours=ours,
        notes=notes,
        about=f"{about} | {facts['machine of the cells']}",
    )
    content = {
        "provenance": dict(facts),
        "cells": results.cells,
        "missing": results.missing,
        "trends": [
            {
                "text": ours.trend.text,
                "ours": ours.holds,
                "published": published.holds,
                "where": ours.failures,
            }
            for published, ours in results.findings
        ],
    }
    write_text(target.with_suffix(".json"), json.dumps(content, indent=1) + "\n")
    write_text(target.with_suffix(".md"), page)
    return page


def own_notes(results: Results, models: Models, *, rounds: int | None, data: str) -> list[str]:
    """What sets our figures apart from the published ones: models, data, fewer rounds."""
    table = results.table
    notes = [models.note] if models.note else []
    kinds = {run.kind for run in table.runs}
    if "evaluation" in kinds and data != PAPERS_DATA:
        notes.append(f"Published: DAVIS 2017 val, 480p. Ours: {data}; the difference is of data, too.")
    facts = dict.fromkeys(note for cell in results.cells.values() for note in cell["notes"])
    notes += [f"Ours: {note.removesuffix('.')}." for note in facts]
    if "evaluation" in kinds and rounds is not None:
        metrics = {cell.measure.metric for _, _, cell in table.cells if cell.measure}
        best = f"; R-AUC is then at most {(rounds + 0.5) / (rounds + 1):.3f}" if "r_auc" in metrics else ""
        notes.append(f"By an option, ours were played with rounds={rounds} in place of the paper's{best}.")
    if kinds - {"evaluation"}:
        notes.append("Time and memory are of the machine below.")
    return notes
