"""A desk spoken to from its event loop: cancelling in the moments between two threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import pytest

from civos_siaf.app.document.actions import AddClick, AddObject, Cancelled, Propagate, Undo
from civos_siaf.app.server.project_service import ProjectService
from civos_siaf.app.server.worker import Worker
from civos_siaf.app.session.annotator import Annotator
from civos_siaf.app.storage.project import Project
from tests.app.fakes import Telltale, make_video

T = TypeVar("T")


class Gated(Worker):
    """Jobs that have begun wait at a gate before they do anything."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.gate = threading.Event(), threading.Event()
        self.gate.set()

    def submit(self, work: Callable[[], T], *, model: bool) -> Future[T]:
        def gated() -> T:
            self.begun.set()
            assert self.gate.wait(30)
            return work()

        return super().submit(gated, model=model)


@pytest.fixture
def annotator(tmp_path: Path) -> Iterator[Annotator]:
    project = Project.create(tmp_path / "project", make_video(tmp_path / "video"))
    with Annotator(project, Telltale()) as annotator:
        annotator.apply(AddObject())
        annotator.apply(AddClick(0, 1, 10, 4))
        yield annotator


@pytest.mark.parametrize("action", [Propagate(), Undo()])
def test_a_cancel_is_not_lost_while_the_job_begins(annotator: Annotator, action: Propagate | Undo) -> None:
    worker, before = Gated(), annotator.state

    async def main() -> None:
        desk = ProjectService(annotator, worker=worker, loop=asyncio.get_running_loop())
        worker.gate.clear()
        job = asyncio.create_task(desk.act(action, None))
        assert await asyncio.to_thread(worker.begun.wait, 30)
        desk.cancel()
        worker.gate.set()
        with pytest.raises(Cancelled):
            await job
        assert annotator.state is before
        assert '"round":1' in await desk.act(Propagate(), None)

    asyncio.run(main())
    worker.close()


def test_a_cancel_when_nothing_is_done_does_not_end_what_comes_next(annotator: Annotator) -> None:
    worker = Worker()

    async def main() -> None:
        desk = ProjectService(annotator, worker=worker, loop=asyncio.get_running_loop())
        desk.cancel()
        assert '"round":1' in await desk.act(Propagate(), None)
        desk.cancel()
        assert '"round":0' in await desk.act(Undo(), None)

    asyncio.run(main())
    worker.close()
