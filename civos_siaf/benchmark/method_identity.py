"""What tells a method from the same one edited, or with other weights: hashes of its source and its state."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

MAX_DEPTH = 6


def source_hash(method: object) -> str | None:
    """SHA-256 of the files that define a method's class and those it inherits; None where there are none.

    Files of the standard library and of installed packages other than the method's own count as fixed.
    """
    own = type(method).__module__.partition(".")[0]
    found = hashlib.sha256()
    paths = set()
    for kind in type(method).__mro__:
        if kind.__module__.partition(".")[0] == own:
            try:
                paths.add(inspect.getfile(kind))
            except (TypeError, OSError):  # made in an interpreter
                continue
    for path in sorted(paths):
        try:
            found.update(Path(path).read_bytes())
        except OSError:
            return None
    return found.hexdigest() if paths else None


def state_hash(method: object) -> str | None:
    """SHA-256 of all networks and arrays in a method's attributes; None where there are none."""
    found = hashlib.sha256()
    any_state = False
    for name, content in _states(method, "", 0, set()):
        any_state = True
        found.update(name.encode())
        found.update(content)
    return found.hexdigest() if any_state else None


def _states(thing: Any, name: str, depth: int, seen: set[int]) -> Iterator[tuple[str, bytes]]:
    if depth > MAX_DEPTH or id(thing) in seen or isinstance(thing, str | bytes | int | float | type(None)):
        return
    seen.add(id(thing))
    torch = sys.modules.get("torch")
    if isinstance(thing, np.ndarray) and thing.dtype != object:
        yield f"{name} {thing.dtype} {thing.shape}", np.ascontiguousarray(thing).tobytes()
    elif torch is not None and isinstance(thing, torch.Tensor):
        plain = thing.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        yield f"{name} {thing.dtype} {tuple(thing.shape)}", plain.numpy().tobytes()
    elif torch is not None and isinstance(thing, torch.nn.Module):
        yield from _states(dict(thing.state_dict()), name, depth, seen)
    elif isinstance(thing, Mapping):
        for key, value in thing.items():
            yield from _states(value, f"{name}.{key}", depth + 1, seen)
    elif isinstance(thing, list | tuple):
        for number, value in enumerate(thing):
            yield from _states(value, f"{name}.{number}", depth + 1, seen)
    elif not callable(thing) or hasattr(thing, "__dict__"):
        yield from _states(dict(getattr(thing, "__dict__", {})), name, depth + 1, seen)
