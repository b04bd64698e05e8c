import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from civos_siaf.app.server.worker import Queue, TakenBack, Worker


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker(2)
    yield worker
    worker.close()


def test_models_run_in_one_thread_and_projects_take_turns(worker: Worker) -> None:
    seen: list[tuple[str, int, str]] = []

    async def main() -> None:
        queues = {name: Queue(worker) for name in "ab"}
        jobs = []
        for name in "ab":
            for number in range(3):

                def work(name: str = name, number: int = number) -> None:
                    time.sleep(0.005)
                    seen.append((name, number, threading.current_thread().name))

                jobs.append(queues[name].run(work, model=True))
        await asyncio.gather(*jobs)

    asyncio.run(main())
    assert [entry[:2] for entry in seen] == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert len({entry[2] for entry in seen}) == 1
    assert worker.waiting == 0


def test_what_needs_no_model_does_not_wait_for_another_project(worker: Worker) -> None:
    async def main() -> None:
        go_on = threading.Event()
        long = asyncio.create_task(Queue(worker).run(lambda: go_on.wait(5), model=True))
        await asyncio.sleep(0)
        assert await Queue(worker).run(lambda: 3, model=False) == 3
        assert not long.done()
        go_on.set()
        assert await long

    asyncio.run(main())


def test_the_order_within_a_project_holds_with_and_without_model(worker: Worker) -> None:
    seen: list[int] = []

    async def main() -> None:
        queue = Queue(worker)
        await asyncio.gather(
            queue.run(lambda: (time.sleep(0.02), seen.append(0)), model=True),
            queue.run(lambda: seen.append(1), model=False),
            queue.run(lambda: seen.append(2), model=True),
        )
        assert queue.length == 0

    asyncio.run(main())
    assert seen == [0, 1, 2]


def test_a_job_that_has_not_begun_is_taken_back(worker: Worker) -> None:
    done: list[int] = []

    async def main() -> None:
        go_on = threading.Event()
        other = asyncio.create_task(Queue(worker).run(lambda: go_on.wait(5), model=True))
        queue = Queue(worker)
        first = asyncio.create_task(queue.run(lambda: done.append(1), model=True))
        second = asyncio.create_task(queue.run(lambda: done.append(2), model=True))
        await asyncio.sleep(0.02)
        assert queue.take_back()
        with pytest.raises(TakenBack):
            await first
        go_on.set()
        await asyncio.gather(other, second)
        assert not queue.take_back()

    asyncio.run(main())
    assert done == [2]


def test_an_error_of_the_work_reaches_who_waits_and_the_next_goes_on(worker: Worker) -> None:
    def fail() -> None:
        raise KeyError("x")

    async def main() -> None:
        queue = Queue(worker)
        with pytest.raises(KeyError):
            await queue.run(fail, model=True)
        assert await queue.run(lambda: 1, model=True) == 1

    asyncio.run(main())
