"""Writing files so that nothing is ever half written."""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ASKING = threading.Lock()
"""The mask can only be read by setting it: a thread between the two would read, and leave, zero."""


@contextmanager
def atomic_path(target: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `target` and move it there when the block ends without an error.

    Readers see the old file or the new one, never a part. The temporary file keeps the suffix, as image
    writers choose the format by it.

    >>> with atomic_path("mask.png") as path:  # doctest: +SKIP
    ...     image.save(path)
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: Path | str) -> Iterator[Path]:
    """Yield an empty folder beside `target` and move it there when the block ends without an error.

    Raises:
        ValueError: `target` is a file, or a folder with something in it.
    """
    target = Path(target)
    if target.is_symlink() or (target.exists() and not (target.is_dir() and not any(target.iterdir()))):
        raise ValueError(f"{target}: exists already; give a new or an empty folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name[:80]}-", dir=target.parent))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(target: Path | str, text: str) -> None:
    """Write `text` to `target` in one piece."""
    with atomic_path(target) as path:
        path.write_text(text, encoding="utf-8")


def _umask() -> int:
    with _ASKING:
        mask = os.umask(0)
        os.umask(mask)
    return mask
