"""The paper's costs of SIAF (Fig. 6, Tables IV to VI), and ours beside them as a table and curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from civos_siaf.benchmark.environment import environment
from civos_siaf.runtime.files import atomic_path

Row = dict[str, object]
"""One measurement; the keys of `speed.siaf.run`."""
Figures = tuple[float | str, float | str]
"""Milliseconds and MB."""
PAPER: dict[tuple[str, str], Figures] = {
    ("Fig. 6", "objects 1"): ("11.95, no clear unit", "-"),
    ("Fig. 6", "objects 10"): ("11.95, no clear unit", "-"),
    ("Table IV", "AFI without AFA"): (37.0, 3347),
    ("Table IV", "AFA"): (5.0, 354),
    ("Table IV", "memory network"): (29.3, 3159),
    ("Table IV", "batch decoder"): (27.7, 3249),
}
"""By table and case; of R50-SIAF on an RTX 3090 Ti."""
_SIZES = {360: (36.8, 3231, 3.3, 232), 480: (37.0, 3347, 5.0, 354), 600: (39.2, 3577, 12.3, 758)}
_SIZES[720] = (56.1, 4039, 15.5, 1188)
_FRAMES = {1: (37.0, 3347, 5.0, 354), 2: (53.9, 3551, 12.7, 502), 3: (77.6, 3709, 22.2, 784)}
_FRAMES |= {4: (105.3, 3881, 23.6, 1090), 5: (119.1, 4083, 38.6, 1336)}
for _lines, (_ms, _mb, _across_ms, _across_mb) in _SIZES.items():
    PAPER["Table V", f"AFI {_lines}p"] = (_ms, _mb)
    PAPER["Table V", f"AFA {_lines}p"] = (_across_ms, _across_mb)
for _count, (_ms, _mb, _across_ms, _across_mb) in _FRAMES.items():
    PAPER["Table VI", f"AFI frames {_count}"] = (_ms, _mb)
    PAPER["Table VI", f"AFA frames {_count}"] = (_across_ms, _across_mb)

NAME = "network, table and case"
PANELS = (("Fig. 6", "objects"), ("Table V", "lines"), ("Table VI", "frames"))
"""Table and axis."""


def markdown(rows: Sequence[Row], *, threads: int) -> str:
    """All rows as a table, with the machine."""
    keys = list(rows[0])
    lines = ["| " + " | ".join(keys) + " |", "|" + " --- |" * len(keys)]
    lines += ["| " + " | ".join(_cell(row[key]) for key in keys) + " |" for row in rows]
    about = [f"- {name}: {value}" for name, value in {**environment(), "threads": threads}.items()]
    return "\n".join([*lines, "", *about, ""])


def plot(rows: Sequence[Row], path: Path | str) -> None:
    """Seconds (top) and MiB (bottom) by objects, input size and frames, a line per network and part."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6), layout="constrained")
    axes = figure.subplots(2, len(PANELS), squeeze=False)
    for column, (table, axis) in enumerate(PANELS):
        lines: dict[str, list[tuple[int, float, float]]] = {}
        for row in rows:
            network, found, case = str(row[NAME]).split(", ")
            if found == table:
                part = case.split()[0] if table != "Fig. 6" else "round, per frame"
                number = int("".join(c for c in case if c.isdigit()))
                point = (number, float(str(row["seconds"])), float(str(row["MiB"])))
                lines.setdefault(f"{network}, {part}", []).append(point)
        for line, unit in enumerate(("seconds", "MiB")):
            own = axes[line][column]
            for label, points in lines.items():
                own.plot([p[0] for p in points], [p[1 + line] for p in points], "o-", label=label)
            own.set(xlabel=axis, ylabel=unit, title=table if line == 0 else "", ylim=(0, None))
            own.grid(alpha=0.3)
            if lines and line == 0:
                own.legend(fontsize=7)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120, format="png")


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
