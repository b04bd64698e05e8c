"""Waiting in tests: for what is to come, never for a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from subprocess import Popen
from typing import Any


def wait_until(true: Callable[[], object], *, process: Popen[Any] | None = None, seconds: float = 60) -> None:
    """Come back as soon as it is true; fail where that takes too long, or `process` ends before.

    A process that is waited for does not outlive the failure.
    """
    end = time.monotonic() + seconds
    while not true():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"the process ended before: {process.returncode}, {process.communicate()}")
        if time.monotonic() > end:
            if process is not None:
                process.kill()
            raise AssertionError("it never became true")
        time.sleep(0.01)
