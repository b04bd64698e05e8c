"""One open project, as all of its tabs use it."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from civos_siaf.app.document.actions import Action, Cancelled
from civos_siaf.app.server import label_codec
from civos_siaf.app.server.events import EventBroadcaster
from civos_siaf.app.server.export_jobs import ExportJobs
from civos_siaf.app.server.machine import Speed, resident_bytes
from civos_siaf.app.server.pictures import Pictures, thumbnail
from civos_siaf.app.server.requests import RequestError
from civos_siaf.app.server.worker import Queue, Worker
from civos_siaf.app.session.annotator import Annotator
from civos_siaf.app.storage.mask_files import MissingMasksError

T = TypeVar("T")

MODEL_ACTIONS = frozenset({"click", "scribble", "box", "mask", "clear", "commit", "propagate"})
"""Actions that may ask the model; all others are done beside it."""

QUIET_SECONDS = 60.0


class ProjectService:
    """An annotator with its queue, its pictures and the tabs that look at it.

    Args:
        annotator: of the project.
        worker: the threads of the server.
        loop: its event loop.
        make_room: called with the desk, on the model thread, before its method is asked.
    """

    def __init__(
        self,
        annotator: Annotator,
        *,
        worker: Worker,
        loop: asyncio.AbstractEventLoop,
        make_room: Callable[[ProjectService], None] = lambda _: None,
    ) -> None:
        self.annotator = annotator
        source = annotator.project.video
        self.pictures = Pictures(source)
        few = 16 * 2**20
        self.thumbnails = Pictures(source, shape=thumbnail, ahead=0, cache_bytes=few, run_bytes=few)
        self.hub = EventBroadcaster(loop)
        self.exports = ExportJobs(annotator, self.hub)
        self.used = self.asked = time.monotonic()  # by anybody; the method
        self.busy: Mapping[str, object] | None = None
        self._make_room = make_room
        self._worker = worker
        self._queue = Queue(worker)
        self._speed = Speed()
        self._pace: float | None = None  # of the last propagation, seconds per frame
        self._cancelled = threading.Event()

    @property
    def idle(self) -> bool:
        """Nobody has looked for a while, and nothing is under way."""
        quiet = time.monotonic() - self.used > QUIET_SECONDS
        return quiet and not (self.attended or self.exports.under_way)

    @property
    def attended(self) -> bool:
        """Somebody looks at it, or waits for it."""
        return bool(self.hub.tabs or self._queue.length)

    async def state(self) -> str:
        """The state as JSON."""
        return await self._worker.run(self._state_text)

    async def described(self) -> str:
        """The state as JSON, with what is under way as `busy`."""
        state = await self.state()
        return f'{state[:-1]},"busy":{json.dumps(self.busy)}}}'

    async def act(self, action: Action, key: str | None) -> str:
        """Take an action when its turn comes; the state after it as JSON.

        Raises:
            ActionError: it cannot be taken.
            Cancelled, TakenBack: somebody cancelled it.
        """
        return await self.change(
            lambda: self.annotator.apply(action, self, key=key), model=action.type in MODEL_ACTIONS
        )

    async def change(self, work: Callable[[], object], *, model: bool) -> str:
        """Do something to the project when its turn comes; the state after it as JSON."""

        def changed() -> str:
            try:
                self._go_on()
                if model:
                    self.asked = time.monotonic()
                    self._make_room(self)
                work()
                return self._state_text()
            finally:
                self._rest()

        before = self.annotator.state
        try:
            text = await self._queue.run(changed, model=model, begin=self._cancelled.clear)
        except Exception:
            if self.annotator.state is not before:  # finished frames of a propagation are kept
                self.hub.tell_text("state", f'{{"type":"state","state":{await self.state()}}}')
            raise
        self.hub.tell_text("state", f'{{"type":"state","state":{text}}}')
        return text

    def cancel(self) -> None:
        """End what is under way, or take it back before it begins."""
        if not self._queue.take_back():
            self._cancelled.set()
            self.annotator.cancel()

    async def labels(self, frame: int, version: str | None) -> bytes:
        """The labels of a frame as runs.

        Raises:
            RequestError: 404 there are none, 500 they were there and are missing now.
        """

        def read() -> bytes:
            try:
                labels = self.annotator.labels(frame, version)
            except MissingMasksError as error:
                raise RequestError(500, f"{error}.") from error
            if labels is None:
                raise RequestError(404, f"There are no masks of frame {frame} yet.")
            return label_codec.encode_runs(labels)

        return await self._worker.run(read)

    def scores(self, version: str) -> bytes:
        """How much each frame of the round deserves a look, a byte per frame: 255 times 0 to 1.

        Raises:
            RequestError: 404, the round is not the last one, or has no scores.
        """
        state = self.annotator.state
        if state.scores is None or state.content.base != version:
            raise RequestError(404, "There are no scores of that round.")
        return bytes(round(255 * min(max(score, 0.0), 1.0)) for score in state.scores)

    async def greeting(self) -> list[tuple[str, str]]:
        """What a new tab is told first, as kinds and texts."""
        texts = [("state", f'{{"type":"state","state":{await self.state()}}}')]
        if self.busy is not None:
            texts.append(("busy", json.dumps({"type": "busy", **self.busy})))
        return [*texts, ("machine", json.dumps(self._machine()))]

    def beat(self) -> None:
        """Tell the tabs how the machine does."""
        if self.hub.tabs:
            self.hub.tell(self._machine())

    def rest(self) -> None:
        """Let go of what the method holds in memory."""
        self.annotator.rest()
        gc.collect()  # sessions hold what refers to itself
        self.hub.tell_text("state", f'{{"type":"state","state":{self._state_text()}}}')

    def close(self) -> None:
        """Stop what is under way and give the project back."""
        self.pictures.close()
        self.thumbnails.close()
        self.exports.close()
        self.annotator.close()
        gc.collect()

    # Watch: called from the model thread.

    def progress(self, what: str, done: int, total: int) -> None:
        """Note how far the work is and tell the tabs.

        Raises:
            Cancelled: `cancel` was called since this work began.
        """
        self._go_on()
        if self.busy is None or self.busy["what"] != what:
            self._speed = Speed()
        speed = self._speed.report(done)
        if what == "propagating":
            self._pace = speed
        self.busy = {"what": what, "done": done, "total": total, "revision": self.annotator.state.revision}
        self.hub.tell({"type": "busy", **self.busy, "seconds_per_frame": speed})

    def arrived(self, frame: int) -> None:
        """Tell the tabs of new live labels."""
        self.hub.tell({"type": "arrived", "frame": frame, "revision": self.annotator.state.revision})

    def _go_on(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled("cancelled")

    def _rest(self) -> None:
        if self.busy is not None:
            self.busy = None
            self.hub.tell({"type": "idle"})

    def _state_text(self) -> str:
        return json.dumps(self.annotator.state.to_json(), separators=(",", ":"))

    def _machine(self) -> dict[str, object]:
        return {
            "type": "machine",
            "rss": resident_bytes(),
            "seconds_per_frame": self._pace,
            "queue": self._worker.waiting,
        }
