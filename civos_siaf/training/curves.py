"""Curves of one training, or of several stages of it, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

from civos_siaf.runtime.files import atomic_path
from civos_siaf.training.monitor import read_log

mpl.use("Agg")
from matplotlib import pyplot as plt

SMOOTH = 15
"""Rows of the log that are averaged."""


def plot(folders: Sequence[Path | str], target: Path | str, names: Sequence[str] = ("loss", "iou")) -> None:
    """Draw scalars over steps, each as logged and smoothed; validations as dots.

    Args:
        folders: of trainings; one after the other, as stages.
        target: PNG file.
        names: of the scalars, one panel each.

    Raises:
        FileNotFoundError: a folder without a log.
        ValueError: a name that was never logged.
    """
    stages = [read_log(folder) for folder in folders]
    figure, axes = plt.subplots(1, len(names), figsize=(6 * len(names), 4), squeeze=False)
    for axis, name in zip(axes[0], names, strict=True):
        start, found = 0.0, False
        for rows in stages:
            points = np.array([(row["step"] + start, row[name]) for row in rows if name in row])
            if len(points):
                found = True
                axis.plot(*points.T, color="C0", alpha=0.25, linewidth=0.8)
                axis.plot(points[:, 0], _smooth(points[:, 1]), color="C0")
            for number, key in enumerate(
                sorted({k for row in rows for k in row if k.startswith("validation/")})
            ):
                if name == "iou":
                    dots = np.array([(row["step"] + start, row[key]) for row in rows if key in row])
                    label = key.partition("/")[2] if start == 0 else None
                    axis.plot(*dots.T, "o", color=f"C{number + 1}", markersize=4, label=label)
            start += max((row["step"] for row in rows), default=0)
            axis.axvline(start, color="0.8", linewidth=0.8)
        if not found:
            raise ValueError(f"{name!r} was never logged in {', '.join(map(str, folders))}")
        axis.set(xlabel="step", ylabel=name)
        if axis.get_legend_handles_labels()[0]:
            axis.legend()
    figure.tight_layout()
    with atomic_path(target) as temporary:
        figure.savefig(temporary, dpi=110)
    plt.close(figure)


def _smooth(values: np.ndarray) -> np.ndarray:
    width = min(SMOOTH, len(values))
    padded = np.pad(values, (width // 2, width - 1 - width // 2), mode="edge")
    return np.convolve(padded, np.full(width, 1 / width), mode="valid")
