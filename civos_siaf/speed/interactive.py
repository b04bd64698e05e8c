"""What a person waits for: seconds per click and per frame, and memory, by number of objects."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TypedDict

import torch

from civos_siaf.prompts import Click, Prompts
from civos_siaf.protocol import Method
from civos_siaf.video.frames import Frames

SAMPLED_EVERY = 0.02
"""Seconds between looks at the memory of the process."""


class Costs(TypedDict):
    """Of one number of objects.

    Attributes:
        first_click_seconds: of the first click on a frame, one for each object, together.
        click_seconds: of a further click on one object of the same frame.
        frame_seconds: of propagating, per frame.
        mebibytes: most memory during all this beyond that before; on a GPU that of tensors.
    """

    first_click_seconds: float
    click_seconds: float
    frame_seconds: float
    mebibytes: float


def play(method: Method, video: Frames, count: int, *, device: str = "cpu") -> Costs:
    """Click `count` objects on the first frame, click once more, propagate.

    Args:
        method: answers clicks; weights do not matter for time.
        video: frames that no session has seen.
        count: of objects.
        device: whose memory is looked at.
    """
    step_x = video.width / (count + 1)
    clicks = tuple(Click(0, k, int(step_x * k), video.height // 2) for k in range(1, count + 1))
    with peak_memory(device) as peak:
        session = method.open(video, num_objects=count)
        times = [_clock(device)]
        for action in (
            lambda: session.interact(Prompts(clicks)),
            lambda: session.interact(Prompts((Click(0, 1, int(step_x) + 5, video.height // 2 + 5),))),
            session.propagate,
        ):
            action()
            times.append(_clock(device))
    first, click, spread = (after - before for before, after in pairwise(times))
    return {
        "first_click_seconds": first,
        "click_seconds": click,
        "frame_seconds": spread / max(1, len(video) - 1),
        "mebibytes": peak(),
    }


def fastest(plays: list[Costs]) -> Costs:
    """The least of every figure but memory, of which it is the most."""
    least = {key: min(own[key] for own in plays) for key in Costs.__annotations__}  # type: ignore[literal-required]
    return {**least, "mebibytes": max(own["mebibytes"] for own in plays)}  # type: ignore[typeddict-item]


@contextmanager
def peak_memory(device: str) -> Iterator[Callable[[], float]]:
    """Yields a function that gives the most MiB within it beyond those before."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield lambda: (torch.cuda.max_memory_allocated(device) - before) / 2**20
        return
    start = most = _resident()
    ended = threading.Event()

    def watch() -> None:
        nonlocal most
        while not ended.wait(SAMPLED_EVERY):
            most = max(most, _resident())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield lambda: (most - start) / 2**20
    finally:
        most = max(most, _resident())
        ended.set()
        watcher.join()


def _clock(device: str) -> float:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _resident() -> int:
    """Bytes of this process in memory; where the system does not say, 0."""
    if not sys.platform.startswith("linux"):
        return 0
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
