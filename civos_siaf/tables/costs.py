"""Seconds and memory for the tables about cost: of SIAF's parts, and of rounds by number of objects."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from civos_siaf.benchmark.environment import environment
from civos_siaf.protocol import Method
from civos_siaf.runtime.files import write_text
from civos_siaf.speed import interactive, siaf
from civos_siaf.speed.propagation import made_video
from civos_siaf.speed.siaf import play_round
from civos_siaf.speed.siaf_report import NAME
from civos_siaf.speed.timing import best_of
from civos_siaf.tables.runs import RESULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """How costs are measured.

    Attributes:
        height: of the video and the prompted frames, in pixels; Table V has sizes of its own.
        width: likewise.
        length: frames of the video in which objects are counted.
        threads: of torch on a CPU.
        repeats: the fastest counts.
        device: cpu or cuda.
    """

    height: int = 480
    width: int = 854
    length: int = 6
    threads: int = 2
    repeats: int = 2
    device: str = "cpu"


def measure_parts(
    folder: Path, bench: Bench, *, network: str, sizes: Sequence[int], frames: Sequence[int]
) -> None:
    """Measure the parts of SIAF and write `costs.json`: milliseconds and MiB by case."""
    rows = siaf.run(
        networks=(network,),
        devices=(bench.device,),
        objects=(),
        sizes=sizes,
        frames=frames,
        height=bench.height,
        width=bench.width,
        threads=bench.threads,
        repeats=bench.repeats,
    )
    found = {}
    for row in rows:
        case = str(row[NAME]).split(", ")[-1]
        seconds, mebibytes = float(str(row["seconds"])), float(str(row["MiB"]))
        found[case] = {"milliseconds": 1000 * seconds, "mebibytes": mebibytes}
    _write(folder, "costs", found, bench)


def measure_objects(folder: Path, bench: Bench, method: Method, objects: Sequence[int]) -> None:
    """Time a whole round from one prompted frame by number of objects and write `objects.json`.

    The figure is in milliseconds per frame of the video. Masks stand for the answer on the prompted frame,
    as an untrained network answers with noise. What an interrupted call has measured is not measured again.
    """
    torch.set_num_threads(bench.threads)
    video = made_video(bench.length, bench.height, bench.width)
    unfinished = folder / "objects.part.json"
    rows: dict[str, Any] = json.loads(unfinished.read_text(encoding="utf-8")) if unfinished.exists() else {}
    for count in objects:
        if str(count) not in rows:
            play = partial(play_round, method, video, count)
            seconds = best_of(play, repeats=bench.repeats)
            rows[str(count)] = {"milliseconds_per_frame": 1000 * seconds / len(video)}
            write_text(unfinished, json.dumps(rows) + "\n")
    _write(folder, "objects", rows, bench)
    unfinished.unlink()


def measure_interactive(
    folder: Path, bench: Bench, build: Callable[[], Method], objects: Sequence[int]
) -> None:
    """Time clicks and frames by number of objects and write `interactive.json`.

    What an interrupted call has measured is not measured again. The first play is not counted.
    """
    torch.set_num_threads(bench.threads)
    method = build()
    unfinished = folder / "interactive.part.json"
    rows: dict[str, Any] = json.loads(unfinished.read_text(encoding="utf-8")) if unfinished.exists() else {}
    warm = False
    for count in objects:
        if str(count) not in rows:
            video = made_video(bench.length, bench.height, bench.width)
            if not warm:
                interactive.play(method, made_video(2, bench.height, bench.width), 1, device=bench.device)
                warm = True
            plays = [
                interactive.play(method, video, count, device=bench.device) for _ in range(bench.repeats)
            ]
            rows[str(count)] = interactive.fastest(plays)
            write_text(unfinished, json.dumps(rows) + "\n")
    _write(folder, "interactive", rows, bench)
    unfinished.unlink()


def _write(folder: Path, kind: str, rows: dict[str, Any], bench: Bench) -> None:
    content = {"rows": rows, "bench": asdict(bench), "environment": environment()}
    write_text(folder / RESULT[kind], json.dumps(content, indent=1) + "\n")
