"""Resident memory while one annotated frame spreads over a long synthetic video.

One row for every tenth of the video. Options: method (light, mivos), frames, height, width, objects, threads,
feature_mib (budget of frame features), mask_mib (probabilities in memory), plot (a PNG to write), tidy (freed
memory goes back at once, see civos_siaf.runtime.malloc).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from civos_siaf.propagation.propagator import PropagationStep, Propagator
from civos_siaf.propagation.settings import PropagationSettings
from civos_siaf.runtime.malloc import return_freed_memory
from civos_siaf.speed.propagation import made_masks
from civos_siaf.speed.timing import untrained_on_purpose
from civos_siaf.video.frames import Frames, Rgb
from civos_siaf.weights.mivos_networks import load_propagation_network

Row = dict[str, object]
MIB = 2**20


class MadeVideo:
    """A source of frames that are computed when they are read."""

    def __init__(self, frames: int, height: int, width: int) -> None:
        self._frames = frames
        self._rows, self._columns = np.mgrid[:height, :width]

    def __len__(self) -> int:
        return self._frames

    def read(self, index: int) -> Rgb:
        """A smooth picture that moves; see `civos_siaf.video.frames.Source`."""
        waves = [
            np.sin((self._columns + 2 * index) / (17 + 9 * c) + self._rows / (23 - 5 * c)) for c in range(3)
        ]
        return np.stack([(127 + 120 * wave).astype(np.uint8) for wave in waves], axis=2)

    def name(self, index: int) -> str:
        """The number of the frame."""
        return f"{index:05d}"


def run(
    *,
    method: str = "light",
    frames: int = 2000,
    height: int = 96,
    width: int = 160,
    objects: int = 2,
    threads: int = 2,
    feature_mib: int = 64,
    mask_mib: int = 32,
    plot: str | None = None,
    tidy: bool = True,
) -> Iterator[Row]:
    """One row per tenth of the video; the last one is after the labels of all frames were given out."""
    torch.set_num_threads(threads)
    if tidy:
        return_freed_memory()
    with untrained_on_purpose():
        net = load_propagation_network(f"{method}-propagation")
    resident: list[float] = []
    begin = time.perf_counter()

    def observe(step: PropagationStep) -> None:
        resident.append(resident_mebibytes())

    propagator = Propagator(
        net,
        None,
        Frames(MadeVideo(frames, height, width), cache_bytes=16 * MIB),
        num_objects=objects,
        settings=PropagationSettings(feature_bytes=feature_mib * MIB, mask_bytes=mask_mib * MIB),
        observer=observe,
    )
    propagator.interact(made_masks(objects, height, width), 0)
    for count in sorted({max(1, frames * tenth // 10) - 1 for tenth in range(1, 11)} - {0}):
        yield {"frames": count, "resident MiB": resident[count - 1]}
    seconds = time.perf_counter() - begin
    yield {"frames": f"labels of all, {seconds:.0f} s", "resident MiB": resident_mebibytes()}
    if plot is not None:
        _plot(resident, Path(plot), f"{method}, {objects} objects, {width}x{height}")


def resident_mebibytes() -> float:
    """Resident memory of this process now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def _plot(resident: list[float], path: Path, title: str) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(1, len(resident) + 1), resident)
    axes.set(xlabel="propagated frames", ylabel="resident memory, MiB", title=title, ylim=(0, None))
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
