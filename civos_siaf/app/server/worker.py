"""The one thread that runs models, and the order of what is asked of each project."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Worker:
    """One model thread for all projects, and a pool of threads for what needs no model.

    Args:
        threads: of the pool.
    """

    def __init__(self, threads: int = 4) -> None:
        self._model = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="pool")
        self._waiting = 0
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """Jobs that wait for the model or are with it, over all projects."""
        return self._waiting

    def submit(self, work: Callable[[], T], *, model: bool) -> Future[T]:
        """Start `work` on the model thread or the pool."""
        if not model:
            return self._pool.submit(work)
        with self._lock:
            self._waiting += 1
        future = self._model.submit(work)
        future.add_done_callback(self._left)
        return future

    async def run(self, work: Callable[[], T], *, model: bool = False) -> T:
        """Run `work` in a thread and wait for it; it goes on if the caller is cancelled."""
        return await asyncio.wrap_future(self.submit(work, model=model))

    def close(self) -> None:
        """Drop what has not begun and wait for what has."""
        self._model.shutdown(cancel_futures=True)
        self._pool.shutdown(cancel_futures=True)

    def _left(self, _: Future[T]) -> None:
        with self._lock:
            self._waiting -= 1


def _nothing() -> None:
    """There is nothing to be done first."""


class TakenBack(Exception):  # noqa: N818 - no error, it was asked for
    """The job was taken back before it began."""


class Queue:
    """The jobs of one project, one after the other in the order asked for.

    Each runs on the model thread or on the pool; of several projects that want the model, each has one job
    with it at a time, so none waits for more than one job of each other.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._turn = asyncio.Lock()
        self._length = 0
        self._current: Future[object] | None = None

    @property
    def length(self) -> int:
        """Jobs that wait or run."""
        return self._length

    async def run(self, work: Callable[[], T], *, model: bool, begin: Callable[[], None] = _nothing) -> T:
        """Run `work` when its turn comes.

        Args:
            work: run in a thread.
            model: in which.
            begin: called in the event loop when its turn has come; from then on `take_back` is about it.

        Raises:
            TakenBack: `take_back` came before it began.
        """
        self._length += 1
        try:
            async with self._turn:
                begin()
                future = self._worker.submit(work, model=model)
                self._current = future  # type: ignore[assignment]
                try:
                    return await asyncio.wrap_future(future)
                except asyncio.CancelledError:
                    if future.cancelled():
                        raise TakenBack from None
                    raise
                finally:
                    self._current = None
        finally:
            self._length -= 1

    def take_back(self) -> bool:
        """Take back the job whose turn it is, if the thread has not begun with it; whether it was so."""
        return self._current is not None and self._current.cancel()
