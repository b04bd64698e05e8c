"""What the machine is doing, for the readout of the page."""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path


def resident_bytes() -> int:
    """Memory of this process that is in RAM now; where the system does not say, its peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


class Speed:
    """Seconds per frame of a job under way, from its reports of progress."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._first = 0
        self.seconds_per_frame: float | None = None

    def report(self, done: int) -> float | None:
        """Take in that `done` frames are done; the average since the first report, where there is one."""
        now = time.monotonic()
        if done < self._first or done == 0:
            self._begin, self._first = now, done
        elif done > self._first:
            self.seconds_per_frame = (now - self._begin) / (done - self._first)
        return self.seconds_per_frame
