"""Timing a function."""

import time
from collections.abc import Callable


def best_of(function: Callable[[], object], *, repeats: int = 5) -> float:
    """Seconds of the fastest of `repeats` calls, after one call that is not counted."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)
