"""How the process asks for memory."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -3, -4
_NEVER = 2**31 - 1


def return_freed_memory() -> bool:
    """Let the C library return blocks of 64 KiB and more to the system as soon as they are freed.

    The opposite of `keep_freed_memory`: slower, but resident memory follows what is used. Left to itself the
    library moves to keeping such blocks, and holes among them can cost a hundred megabytes.

    Returns:
        Whether it took effect (Linux with glibc only).
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_M_MMAP_THRESHOLD, 64 * 2**10))


def keep_freed_memory() -> bool:
    """Let the C library keep freed memory for the next request instead of returning it to the system.

    Networks on a CPU allocate the same tens of megabytes in every layer; getting them fresh from the system
    each time means clearing them page by page. For programs only, not for libraries: it acts on the whole
    process, whose resident memory then stays at its peak.

    Returns:
        Whether it took effect (Linux with glibc only).
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, _NEVER))
