"""What the machine is doing, for the readout of the page."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]


def resident_bytes() -> int | None:
    """Memory of this process that is in RAM now; its peak where that is all the system says, or None."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        if resource is None:
            return None
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


class Speed:
    """Seconds per frame of a job under way, from its reports of progress."""

    def __init__(self) -> None:
        self._begin: float | None = None
        self._first = 0

    def report(self, done: int) -> float | None:
        """Take in that `done` frames are done; the average since the first report, None at that one."""
        now = time.monotonic()
        if self._begin is None or done <= self._first:
            self._begin, self._first = now, done
            return None
        return (now - self._begin) / (done - self._first)
