"""The results of an evaluation of clicks: table, files, curve of IoU against clicks."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from civos_siaf.benchmark.noc import MAX_CLICKS, Result
from civos_siaf.runtime.files import atomic_path

TARGETS = (0.85, 0.9)
IOU_AFTER = (1, 3, 5)
"""Clicks after which the table has the mean IoU; after the last one it always has."""


def curve(results: Sequence[Result], max_clicks: int = MAX_CLICKS) -> NDArray[np.float64]:
    """Mean IoU after 1..max_clicks clicks (max_clicks,); an object that was done keeps its last IoU."""
    rows = [[*r.ious, *[r.ious[-1]] * (max_clicks - len(r.ious))] for r in results]
    return np.asarray(np.mean(rows, axis=0))


def summary(
    name: str, results: Sequence[Result], *, targets: Sequence[float] = TARGETS, max_clicks: int = MAX_CLICKS
) -> dict[str, str | int | float]:
    """One row of the table: NoC at each target, objects that used all clicks, mean IoU, time per click.

    An object that reached the target keeps its IoU: no more clicks are made on it.

    Raises:
        ValueError: no results.
    """
    if not results:
        raise ValueError(f"{name}: no object was evaluated")
    row: dict[str, str | int | float] = {"dataset": name, "objects": len(results)}
    for target in targets:
        counts = np.array([r.noc(target, max_clicks) for r in results])
        row[f"NoC@{target * 100:.0f}"] = float(counts.mean())
        row[f">={max_clicks}@{target * 100:.0f}"] = int((counts == max_clicks).sum())
    mean = curve(results, max_clicks)
    counted = sorted({*(n for n in IOU_AFTER if n < max_clicks), max_clicks})
    row |= {f"IoU@{n}": float(mean[n - 1]) for n in counted}
    row["s/click"] = sum(r.seconds for r in results) / sum(len(r.ious) for r in results)
    return row


def table(rows: Sequence[Mapping[str, str | int | float]]) -> str:
    """Rows of `summary` as aligned text."""
    lines = [list(rows[0])]
    lines += [[f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def write_csv(path: Path | str, results: Mapping[str, Sequence[Result]]) -> None:
    """One line per object: data set, name, seconds, then the IoU after each click."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["dataset", "object", "seconds", "iou_after_each_click"])
        for name, group in results.items():
            for result in group:
                ious = [f"{iou:.6f}" for iou in result.ious]
                writer.writerow([name, result.name, f"{result.seconds:.6f}", *ious])


def plot(
    path: Path | str, results: Mapping[str, Sequence[Result]], *, title: str, max_clicks: int = MAX_CLICKS
) -> None:
    """Draw the curves of several data sets into an image file."""
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    clicks = np.arange(1, max_clicks + 1)
    for name, group in results.items():
        axes.plot(clicks, curve(group, max_clicks), marker="o", markersize=4, label=f"{name} ({len(group)})")
    for target in TARGETS:
        axes.axhline(target, color="0.6", linewidth=0.8, linestyle="--")
    axes.set(xlabel="clicks", ylabel="mean IoU", title=title, ylim=(0, 1), xlim=(0.5, max_clicks + 0.5))
    axes.set_xticks(clicks[:: max(1, max_clicks // 10)])
    axes.grid(alpha=0.3)
    axes.legend(loc="best")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)
