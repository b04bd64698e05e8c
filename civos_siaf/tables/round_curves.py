"""J&F by rounds of the rows of a table: published ones, and ours beside them on the same scale."""

from __future__ import annotations

from matplotlib.figure import Figure as Picture

from civos_siaf.tables.reproduction import Results

ROUND_CURVES = 4.2
"""Inches that they take, their title included."""
LEGEND, FEW = 1.9, 6
"""Inches of a legend beside the curves, where there are more than a few."""
COLOURS = 10
"""Before they come again, with another kind of line."""


def draw_round_curves(
    picture: Picture, results: Results, box: tuple[float, float, float, float], size: tuple[float, float]
) -> None:
    """Two panels, each with a curve per row that has one.

    Args:
        picture: drawn into.
        results: the table, whose `round_curves` says who published the left ones.
        box: left, top, width, height in inches from the top left corner.
        size: width and height of the picture in inches.
    """
    table = results.table
    (left, top, wide, high), (width, height) = box, size
    names = [" ".join(filter(None, row.labels)) for row in table.rows]
    panels = (
        (f"J&F by round, published: {table.round_curves}", [row.curve for row in table.rows]),
        ("J&F by round, ours", list(results.round_curves)),
    )
    every = [value for _, curves in panels for curve in curves for value in curve or ()]
    part = (wide - 0.7) / 2
    for number, (title, curves) in enumerate(panels):
        x = left + number * (part + 0.7)
        drawn = [(name, curve) for name, curve in zip(names, curves, strict=True) if curve]
        beside = LEGEND if len(drawn) > FEW else 0.0
        axes = picture.add_axes(
            (x / width, 1 - (top + high) / height, (part - beside) / width, high / height)
        )
        for place, (name, curve) in enumerate(drawn):
            style = ("o-", "s--", "^:")[place // COLOURS % 3]
            axes.plot(range(1, len(curve) + 1), curve, style, label=name, markersize=3, linewidth=1)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("round", fontsize=8)
        if every:
            margin = 0.05 * (max(every) - min(every)) or 0.05
            axes.set_ylim(min(every) - margin, max(every) + margin)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
        if beside:
            axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        elif drawn:
            axes.legend(fontsize=7, loc="lower right")
