"""Curves: the metric against rounds and against seconds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from civos_siaf.benchmark.markdown import TITLES
from civos_siaf.benchmark.summary import Summary
from civos_siaf.files import atomic_path


def plot_curves(summaries: Mapping[str, Summary], path: Path | str) -> None:
    """Draw J&F (and J, F when there is one run) after each round, and over the time used, as a PNG.

    Args:
        summaries: runs by name.
        path: the PNG file.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    by_round, by_time = figure.subplots(1, 2, sharey=True)
    for name, summary in summaries.items():
        for metric in TITLES if len(summaries) == 1 else ("J_AND_F",):
            curve = summary.curves[metric]
            label = " ".join(filter(None, (name, TITLES[metric])))
            style = {"marker": "o", "markersize": 3.5, "linewidth": 2 if metric == "J_AND_F" else 1}
            n = summary.rounds
            by_round.plot(range(1, n + 1), curve.values[1 : n + 1], label=label, **style)
            if metric == "J_AND_F" and len(summaries) == 1 and summary.annotated:
                rounds = range(1, len(summary.annotated) + 1)
                by_round.plot(rounds, summary.annotated, "k:", label="J&F, annotated frames", linewidth=1)
            by_time.plot(curve.seconds[: n + 1], curve.values[: n + 1], label=label, **style)
    by_round.set(xlabel="round", ylabel="mean over objects", ylim=(0, 1.02))
    by_round.xaxis.get_major_locator().set_params(integer=True)
    by_time.set(xlabel="seconds used (mean over samples)")
    if all(curve.curves["J_AND_F"].seconds[-2] < 60 for curve in summaries.values()):
        by_time.margins(x=0.05)
    else:
        by_time.axvline(60, color="grey", linewidth=1, linestyle=":")
    for axes in (by_round, by_time):
        axes.grid(alpha=0.3)
    by_round.legend(loc="lower right")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)
