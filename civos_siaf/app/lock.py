"""Locking a file for one process, on every system; it lets go when the process ends, however it ends."""

from __future__ import annotations

import importlib
import os
from typing import Any

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

_FAR = 2**30
"""The byte that is locked on Windows, where nobody else can read locked ones: far behind what is written."""


def lock_file(file: int) -> None:
    """Lock an open file until it is closed.

    Args:
        file: its descriptor, open for writing.

    Raises:
        OSError: it is locked already, by this process or another.
    """
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    windows: Any = importlib.import_module("msvcrt")
    os.lseek(file, _FAR, os.SEEK_SET)
    try:
        windows.locking(file, windows.LK_NBLCK, 1)
    finally:
        os.lseek(file, 0, os.SEEK_SET)
