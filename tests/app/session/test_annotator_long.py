"""The facade while masks are being made, and with many callers."""

import threading

import numpy as np
import pytest

from civos_siaf.app.document.actions import (
    ActionError,
    AddClick,
    AddObject,
    BusyError,
    Cancelled,
    Propagate,
    Redo,
    Undo,
)
from tests.app.annotating import Watched, everything, same, two_rounds
from tests.app.fakes import HEIGHT, WIDTH, Telltale
from tests.waiting import wait_until


def test_cancel_takes_effect_within_a_frame_and_changes_nothing(start):
    annotator = start(method := Telltale())
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


class Stop(Exception):  # noqa: N818
    pass


@pytest.mark.parametrize("fails", [True, False], ids=["failed", "cancelled"])
def test_finished_frames_of_a_propagation_that_ended_early_are_kept(start, fails):
    annotator = start(Telltale(streams=True))
    two_rounds(annotator)
    annotator.apply(AddClick(1, 1, 5, 5))
    before, shown = annotator.state, everything(annotator)

    def stop(what, done):
        if what == "propagating" and done == 3:  # frames 0, 3 and 1 were finished
            if fails:
                raise Stop
            annotator.cancel()

    expected = pytest.raises(ActionError if fails else Cancelled, match="masks of 3 frames")
    with expected:
        annotator.apply(Propagate(), Watched(stop), key="again")
    kept = everything(annotator)
    assert same([kept[1], kept[2], kept[4]], [shown[1], shown[2], shown[4]])  # 1 shows its new prompt
    assert not same([kept[0]], [shown[0]])
    assert not same([kept[3]], [shown[3]])
    state = annotator.state
    assert (state.round, state.undo) == (2, "propagate")
    assert state.to_json()["frames"]["unfinished"] == [[0, 0], [3, 3]]
    annotator.close()
    again = start(Telltale(streams=True))
    assert again.state == state
    assert same(everything(again), kept)
    again.apply(Undo())
    assert same(everything(again), shown)
    assert again.state.content == before.content
    again.apply(Redo())
    assert same(everything(again), kept)
    done = again.apply(Propagate(), key="again")  # the same request: it was not done before
    assert (done.round, done.to_json()["frames"]["unfinished"]) == (3, [])
    fresh = start(name="other")
    two_rounds(fresh)
    for action in (AddClick(1, 1, 5, 5), Propagate()):
        fresh.apply(action)
    assert same(everything(fresh), everything(again))


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


def test_closing_ends_a_propagation_that_is_just_beginning(start, monkeypatch):
    annotator = start(Telltale(seconds=0.001))
    annotator.apply(AddObject())
    annotator.apply(AddClick(0, 1, 10, 4))
    beginning, go_on, ends = threading.Event(), threading.Event(), []
    check = annotator._check

    def checked(action):
        beginning.set()
        assert go_on.wait(30)
        check(action)

    def propagate():
        try:
            ends.append(annotator.apply(Propagate()))
        except Cancelled as error:
            ends.append(error)

    monkeypatch.setattr(annotator, "_check", checked)
    threads = [threading.Thread(target=work) for work in (propagate, annotator.close)]
    threads[0].start()
    assert beginning.wait(30)
    threads[1].start()
    wait_until(lambda: annotator._closing)
    go_on.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert [type(end) for end in ends] == [Cancelled]


@pytest.mark.parametrize("saves", [True, False])
def test_a_project_that_rested_goes_on_where_it_was(start, saves):
    annotator, other = start(method := Telltale(saves=saves)), start(Telltale(saves=saves), name="other")
    for own in (annotator, other):
        two_rounds(own)
        own.apply(AddClick(1, 1, 5, 5))
    assert annotator.awake
    before, shown = annotator.state, everything(annotator)
    annotator.rest()
    annotator.rest()
    assert not annotator.awake
    assert annotator.state == before
    assert not annotator.state.ready
    assert same(everything(annotator), shown)
    method.calls.clear()
    for own in (annotator, other):
        own.apply(AddClick(4, 1, 9, 5))
    assert same(everything(annotator), everything(other))
    assert ("load" in method.calls) == saves
    annotator.close()
    annotator.rest()
