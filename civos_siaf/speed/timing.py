"""Timing a function, and the memory that it takes."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.profiler import ProfilerActivity, profile

from civos_siaf.runtime.malloc import keep_freed_memory


def set_up(*, threads: int, keep: bool) -> bool:
    """Use so many threads from now on, and keep freed memory if wished.

    Returns:
        Whether it is kept; see `civos_siaf.runtime.malloc`.
    """
    torch.set_num_threads(threads)
    return keep and keep_freed_memory()


@contextmanager
def untrained_on_purpose() -> Iterator[None]:
    """Networks made in here do not say that they are untrained: seconds do not depend on weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def best_of(function: Callable[[], object], *, repeats: int = 5) -> float:
    """Seconds of the fastest of `repeats` calls, after one call that is not counted."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def now(device: torch.device) -> float:
    """Seconds of a clock, once the device has done its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def peak_mebibytes(function: Callable[[], object], device: torch.device) -> float:
    """Most memory of tensors during a call beyond what was there before, in MiB.

    On a CPU that is what torch itself allocates; what its libraries need beside is not seen.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        function()
        torch.cuda.synchronize(device)
        return (torch.cuda.max_memory_allocated(device) - before) / 2**20
    # The profiler announces itself otherwise; an error is still raised.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        function()
    assert record.profiler is not None
    results = record.profiler.kineto_results
    assert results is not None
    changes = sorted((e.start_ns(), e.nbytes()) for e in results.events() if e.name() == "[memory]")
    held = peak = 0
    for _, change in changes:
        held += change
        peak = max(peak, held)
    return peak / 2**20
