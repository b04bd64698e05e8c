"""The facade while masks are being made, and with many callers."""

import threading

import numpy as np
import pytest

from civos_siaf.app.actions import AddClick, AddObject, BusyError, Cancelled, Propagate
from tests.app.annotating import Watched, everything, same, two_rounds
from tests.app.fakes import HEIGHT, WIDTH, Telltale


@pytest.mark.parametrize("streams", [True, False])
def test_cancel_takes_effect_within_a_frame_and_changes_nothing(start, streams):
    annotator = start(method := Telltale(streams=streams))
    two_rounds(annotator)
    annotator.apply(AddClick(1, 1, 5, 5))
    annotator.apply(AddClick(2, 1, 5, 5))
    before, shown = annotator.state, everything(annotator)

    def stop(what, done):
        if what == "propagating" and done == 2:
            annotator.cancel()

    watch = Watched(stop)
    with pytest.raises(Cancelled):
        annotator.apply(Propagate(), watch, key="again")
    assert max(done for what, done, _ in watch.told if what == "propagating") == 2
    assert annotator.state is before
    assert same(everything(annotator), shown)
    assert not list((annotator.project.folder / "masks").glob(".*"))
    assert annotator.apply(Propagate(), key="again").round == 3
    again = everything(annotator)
    method.calls.clear()
    annotator.close()
    fresh = start(name="other")
    two_rounds(fresh)
    for action in (AddClick(1, 1, 5, 5), AddClick(2, 1, 5, 5), Propagate()):
        fresh.apply(action)
    assert same(everything(fresh), again)


def test_frames_arrive_live(start):
    annotator = start(Telltale(streams=True))
    annotator.apply(AddObject())
    annotator.apply(AddClick(0, 1, 10, 4))
    arrived = {}

    class Live(Watched):
        def arrived(self, frame):
            super().arrived(frame)
            arrived[frame] = annotator.labels(frame, "live")
            if len(self.frames) == 1:
                assert annotator.labels((frame + 1) % 5 or 1, "live") is None

    watch = Live()
    annotator.apply(Propagate(), watch)
    assert sorted(watch.frames) == list(range(5))
    assert same([arrived[frame] for frame in range(5)], everything(annotator))
    assert same(everything(annotator), [annotator.labels(frame, "live") for frame in range(5)])


def test_frames_that_stay_the_same_share_their_files(start):
    class Same(Telltale):
        def open(self, frames, *, num_objects):
            session = super().open(frames, num_objects=num_objects)
            session._labels = lambda frame: np.full((HEIGHT, WIDTH), frame % 2, np.uint8)
            return session

    annotator = start(Same())
    two_rounds(annotator)
    masks = annotator.project.folder / "masks"
    assert (masks / "r9" / "00001.png").samefile(masks / "r13" / "00001.png")
    assert not (masks / "r9" / "00001.png").samefile(masks / "r9" / "00003.png")


def test_others_do_not_wait_for_a_propagation(start):
    annotator = start()
    annotator.apply(AddObject())
    annotator.apply(AddClick(0, 1, 10, 4))
    running, go_on = threading.Event(), threading.Event()
    results = []

    def hold(*_):
        running.set()
        assert go_on.wait(10)

    long = threading.Thread(
        target=lambda: results.append(annotator.apply(Propagate(), Watched(hold), key="k"))
    )
    long.start()
    assert running.wait(10)
    with pytest.raises(BusyError, match="wait for them, or cancel"):
        annotator.apply(AddObject())
    threading.Timer(0.1, go_on.set).start()
    retried = annotator.apply(Propagate(), key="k")  # the same request again waits for its answer
    long.join()
    assert results == [retried]
    assert retried.round == 1


def test_many_threads_lose_nothing(start):
    annotator = start()
    annotator.apply(AddObject())

    def click(worker):
        for number in range(10):
            annotator.apply(AddClick(number % 5, 1, worker, 4), key=f"{worker} {number}")
            annotator.labels(number % 5)

    threads = [threading.Thread(target=click, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(annotator.state.content.pending) == 40
    state = annotator.state
    annotator.close()
    assert start().state == state
