"""A method that is built when it is first used: the page shows frames while networks load."""

from __future__ import annotations

import threading
from collections.abc import Callable

from civos_siaf.protocol import Method, Session
from civos_siaf.video.frames import Frames


class LazyMethod:
    """Stands for the method that `build` makes.

    Args:
        build: makes the method; called once.
        name: shown to the person.
    """

    def __init__(self, build: Callable[[], Method], *, name: str) -> None:
        self.name = name
        self._build = build
        self._method: Method | None = None
        self._lock = threading.Lock()

    @property
    def ready(self) -> bool:
        """Whether it is built."""
        return self._method is not None

    def load(self) -> Method:
        """The method, built if it is not."""
        with self._lock:
            if self._method is None:
                self._method = self._build()
            return self._method

    def open(self, frames: Frames, *, num_objects: int) -> Session:
        """Start a session on one video."""
        return self.load().open(frames, num_objects=num_objects)

    def __getattr__(self, name: str) -> object:
        """What else the method offers."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.load(), name)
