"""The facade: what a person sees, whatever happens."""

import errno
import shutil
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from civos_siaf.app.actions import (
    ActionError,
    AddBox,
    AddClick,
    AddMask,
    AddObject,
    AddScribble,
    BusyError,
    Cancelled,
    ChangeObject,
    Clear,
    Commit,
    DeleteObject,
    Propagate,
    Redo,
    Review,
    Undo,
)
from civos_siaf.app.annotator import Annotator
from civos_siaf.app.journal import Journal
from civos_siaf.app.project import Project, ProjectError
from civos_siaf.masks import to_rle
from civos_siaf.methods import NearestColour
from civos_siaf.video_writer import write_video
from tests.app.fakes import HEIGHT, WIDTH, Telltale, make_video


class Watched:
    def __init__(self, on_progress=lambda what, done: None):
        self.told, self.frames, self.on_progress = [], [], on_progress

    def progress(self, what, done, total):
        self.told.append((what, done, total))
        self.on_progress(what, done)

    def arrived(self, frame):
        self.frames.append(frame)


def everything(annotator):
    return [annotator.labels(frame) for frame in range(5)]


def same(first, second):
    return all(
        np.array_equal(a, b) if a is not None else b is None for a, b in zip(first, second, strict=True)
    )


def two_rounds(annotator):
    for action in (
        AddObject(),
        AddClick(0, 1, 10, 4),
        AddObject("dog", "#00ff00"),
        AddClick(2, 2, 30, 4),
        Commit(),
        Propagate(),
        AddClick(3, 1, 20, 5),
        Propagate(),
    ):
        annotator.apply(action)


def test_a_session_with_a_real_method_is_found_again_when_reopened(tmp_path):
    images = np.zeros((6, 48, 64, 3), np.uint8)
    for t, image in enumerate(images):
        image[10:30, 5 + 2 * t : 25 + 2 * t] = (200, 40, 40)
    write_video(tmp_path / "clip.mp4", images)
    with Annotator(Project.create(tmp_path / "clip", tmp_path / "clip.mp4"), NearestColour()) as annotator:
        for action in (AddObject(), AddClick(0, 1, 12, 20), AddClick(3, 1, 18, 18), Commit(), Propagate()):
            annotator.apply(action)
        annotator.apply(AddClick(5, 1, 2, 2, positive=False))
        state = annotator.apply(Undo())
        shown = [annotator.labels(t) for t in range(6)]
    assert shown[3][18, 18] == 1
    assert not shown[3][40].any()
    with Annotator(Project.open(tmp_path / "clip"), NearestColour()) as annotator:
        assert annotator.state == state
        assert same([annotator.labels(t) for t in range(6)], shown)


def test_prompts_are_answered_at_once_and_committed_together(start):
    annotator = start(method := Telltale())
    annotator.apply(AddObject())
    state = annotator.apply(AddClick(1, 1, 10, 4))
    assert annotator.labels(1)[4, 10] == 1
    assert annotator.labels(2) is None
    assert state.to_json()["shown"] == {"base": None, "frames": {"1": "a2"}}
    annotator.apply(AddClick(2, 1, 30, 4))
    method.calls.clear()
    state = annotator.apply(Commit())
    assert method.calls == ["undo", "undo", "interact 2"]
    assert annotator.labels(1)[4, 30] == 1  # what was drawn on frame 2 is known there now
    assert [prompt["status"] for prompt in state.to_json()["prompts"]] == ["committed", "committed"]


def test_one_frame_is_committed_as_it_is_shown(start):
    annotator = start(method := Telltale())
    for action in (AddObject(), AddClick(1, 1, 10, 4), AddClick(1, 1, 30, 4, positive=False)):
        annotator.apply(action)
    shown = annotator.labels(1)
    method.calls.clear()
    annotator.apply(Commit())
    assert method.calls == []
    assert np.array_equal(annotator.labels(1), shown)


def test_without_preview_only_commit_asks(start):
    annotator = start(method := Telltale(), preview=False)
    for action in (AddObject(), AddClick(1, 1, 10, 4), AddClick(1, 1, 30, 4)):
        annotator.apply(action)
    assert method.calls == []
    assert annotator.labels(1) is None
    annotator.apply(Commit())
    assert method.calls == ["open", "interact 2"]
    assert annotator.labels(1)[4, 10] == 1


def test_state_as_the_page_gets_it(start):
    annotator = start()
    two_rounds(annotator)
    annotator.apply(Review(4, "doubtful"))
    state = annotator.apply(AddScribble(1, 0, ((1, 1), (2, 2)))).to_json()
    assert state["project"] == {
        "id": annotator.project.id,
        "name": "video",
        "num_frames": 5,
        "width": WIDTH,
        "height": HEIGHT,
        "rate": 24.0,
    }
    assert [info["name"] for info in state["objects"]] == ["object 1", "dog"]
    assert state["frames"] == {
        "prompted": [[0, 3]],
        "pending": [[1, 1]],
        "committed": [[0, 0], [2, 3]],
        "propagated": [[0, 0], [2, 4]],
        "reviewed": [],
        "doubtful": [[4, 4]],
    }
    assert state["round"] == 2
    assert state["prompts"][-1] == {
        "id": 16,
        "kind": "scribble",
        "frame": 1,
        "object": 0,
        "points": [[1, 1], [2, 2]],
        "status": "pending",
    }
    assert state["shown"] == {"base": "r13", "frames": {"1": "a16"}}
    assert (state["previous"], state["undo"], state["redo"]) == ("r9", "scribble", None)
    assert state["suggested"] == 4
    assert state["scores"] == "r13"
    assert state["model"] == {"name": "Telltale", "ready": True}


def test_undo_and_redo_show_at_once_what_was_shown(start):
    annotator = start(method := Telltale())
    two_rounds(annotator)
    seen = [everything(annotator)]
    count = 0
    method.calls.clear()
    while annotator.state.undo:
        annotator.apply(Undo())
        seen.append(everything(annotator))
        count += 1
    assert count == 8
    assert all(labels is None for labels in seen[-1])
    for labels in reversed(seen[:-1]):
        annotator.apply(Redo())
        assert same(everything(annotator), labels)
    assert method.calls == []
    with pytest.raises(ActionError, match="nothing to do again"):
        annotator.apply(Redo())


def test_a_new_action_drops_what_could_be_done_again(start):
    annotator = start()
    two_rounds(annotator)
    annotator.apply(Undo())
    dropped = annotator.project.folder / "masks" / "r13"
    assert dropped.is_dir()
    state = annotator.apply(AddClick(4, 2, 5, 5))
    assert state.redo is None
    assert not dropped.exists()
    with pytest.raises(ActionError, match="nothing to do again"):
        annotator.apply(Redo())


def test_a_deleted_object_is_background_and_its_number_is_not_used_again(start):
    annotator = start()
    two_rounds(annotator)
    annotator.apply(AddClick(1, 2, 5, 5))
    state = annotator.apply(DeleteObject(2))
    assert [info.id for info in state.objects] == [1]
    assert annotator.labels(2).max() == annotator.annotation().labels(2).max() == 1
    assert annotator.labels(2, "r9").max() == 2
    assert all(prompt["object"] == 1 for prompt in state.to_json()["prompts"])
    with pytest.raises(ActionError, match="no object 2; objects: 1"):
        annotator.apply(AddClick(1, 2, 5, 5))
    assert annotator.apply(AddObject()).objects[-1].id == 3
    annotator.apply(Undo())
    annotator.apply(Undo())
    assert annotator.labels(2).max() == 2


def test_clear_takes_the_prompts_of_a_frame_away(start):
    annotator = start()
    two_rounds(annotator)
    shown = everything(annotator)
    annotator.apply(AddClick(1, 1, 5, 5))
    annotator.apply(AddClick(4, 1, 5, 5))
    other = annotator.labels(4)
    annotator.apply(Clear(1))
    assert same(everything(annotator), [*shown[:4], other])
    assert annotator.state.content.commit_asks  # frame 4 was answered with what is gone now
    with pytest.raises(ActionError, match="frame 1 has no prompts"):
        annotator.apply(Clear(1))


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (AddClick(5, 1, 1, 1), "no frame 5: the video has frames 0 to 4"),
        (Review(99, None), "no frame 99"),
        (AddClick(0, 7, 1, 1), "no object 7; objects: 1"),
        (AddClick(0, 1, WIDTH, 1), "outside the frame of 40x8"),
        (AddBox(0, 1, -3, 0, 4, 4), "outside the frame"),
        (AddScribble(0, 1, ((1, 1), (1, 900))), "outside the frame"),
        (AddMask(0, 1, (4, 4), "0`0"), "the mask is 4x4, the video 40x8"),
        (ChangeObject(3, name="x"), "no object 3"),
        (DeleteObject(3), "no object 3"),
        (Commit(), "nothing to commit"),
        (Propagate(), "nothing new to propagate"),
        (Redo(), "nothing to do again"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_no_trace(start, action, words):
    annotator = start()
    state = annotator.apply(AddObject())
    journal = (annotator.project.folder / "log.jsonl").read_bytes()
    with pytest.raises(ActionError, match=words):
        annotator.apply(action)
    assert annotator.state is state
    assert (annotator.project.folder / "log.jsonl").read_bytes() == journal


def test_no_more_objects_than_labels(start):
    annotator = start()
    for _ in range(254):
        annotator.apply(AddObject())
    assert len({info.colour for info in annotator.state.objects}) > 200
    with pytest.raises(ActionError, match="at most 254"):
        annotator.apply(AddObject())


def test_a_key_is_applied_once_even_after_reopening(start):
    annotator = start()
    annotator.apply(AddObject(), key="one")
    state = annotator.apply(AddObject(), key="one")
    assert len(state.objects) == 1
    annotator.close()
    annotator = start()
    assert annotator.apply(AddObject(), key="one") == state
    assert len(annotator.apply(AddObject(), key="two").objects) == 2


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
    annotator = start(Telltale(seconds=0.05))
    annotator.apply(AddObject())
    annotator.apply(AddClick(0, 1, 10, 4))
    running = threading.Event()
    results = []
    long = threading.Thread(
        target=lambda: results.append(
            annotator.apply(Propagate(), Watched(lambda *_: running.set()), key="k")
        )
    )
    long.start()
    assert running.wait(10)
    with pytest.raises(BusyError, match="wait for them, or cancel"):
        annotator.apply(AddObject())
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


class FullDisk:
    """Every n-th write fails."""

    def __init__(self, real, fails):
        self.real, self.fails, self.count = real, fails, 0

    def __call__(self, *args, **more):
        self.count += 1
        if self.count == self.fails:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.real(*args, **more)


@pytest.mark.parametrize("fails", range(1, 14))
@pytest.mark.parametrize("what", ["os.fsync", "os.write", "pathlib.Path.write_bytes"])
def test_a_full_disk_loses_nothing(start, monkeypatch, fails, what):
    annotator = start(Telltale(streams=True))
    annotator.apply(AddObject())
    annotator.apply(AddClick(0, 1, 10, 4))
    module, name = what.rsplit(".", 1)
    owner = __import__("os") if module == "os" else __import__("pathlib").Path
    full = FullDisk(getattr(owner, name), fails)
    for action in (AddClick(3, 1, 20, 4), Propagate()):
        before, shown = annotator.state, everything(annotator)
        with monkeypatch.context() as patch:
            if name == "write_bytes":
                patch.setattr(owner, name, lambda self, data: full(self, data))
            else:
                patch.setattr(owner, name, full)
            failed = ""
            try:
                annotator.apply(action)
            except ActionError as error:
                failed = str(error)
            if failed:
                assert "disk is full" in failed
                assert annotator.state is before
                assert same(everything(annotator), shown)
                annotator.apply(action)
        assert annotator.state.undo == action.type
    state, shown = annotator.state, everything(annotator)
    annotator.close()
    annotator = start()
    assert annotator.state == state
    assert same(everything(annotator), shown)


def test_a_failing_method_changes_nothing_and_is_opened_anew(start):
    annotator = start(method := Telltale())
    annotator.apply(AddObject())
    before = annotator.apply(AddClick(0, 1, 10, 4))

    def broken(self, progress, **more):
        raise RuntimeError("out of memory")

    annotator._model._session.propagate = broken.__get__(annotator._model._session)
    with pytest.raises(ActionError, match="Telltale failed: RuntimeError: out of memory"):
        annotator.apply(Propagate())
    assert annotator.state is before
    method.calls.clear()
    assert annotator.apply(Propagate()).round == 1
    assert method.calls == ["open", "interact 1", "propagate"]


def test_a_torn_line_was_never_answered(start):
    annotator = start()
    two_rounds(annotator)
    state, path = annotator.state, annotator.project.folder / "log.jsonl"
    annotator.close()
    with path.open("ab") as file:
        file.write(b'{"seq":13,"time":"x","type":"cle')
    annotator = start()
    assert annotator.state == state
    annotator.apply(AddObject())
    assert len(Journal(path).lines) == 9


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"seq":2,"type":"redo"}', "nothing to do again"),
        ('{"seq":2,"type":"click","frame":7,"object":1,"x":1,"y":1}', "no frame 7"),
        ('{"seq":2,"type":"delete_object","object":1}', "no object 1"),
    ],
)
def test_a_journal_that_makes_no_sense_is_refused(start, line, words):
    annotator = start()
    path = annotator.project.folder / "log.jsonl"
    annotator.close()
    path.write_text('{"seq":1,"type":"review","frame":1,"status":null}\n' + line + "\n")
    with pytest.raises(ProjectError, match=f"line 2: .*{words}"):
        start()


def test_an_interrupted_propagation_can_be_pressed_again(start):
    annotator = start(Telltale(streams=True))
    two_rounds(annotator)
    annotator.apply(AddClick(1, 1, 5, 5))
    annotator.apply(AddClick(2, 1, 5, 5))
    state, shown = annotator.state, everything(annotator)
    copy = annotator.project.folder.parent / "killed"

    def snapshot(what, done):
        if (what, done) == ("propagating", 3):
            shutil.copytree(annotator.project.folder, copy)

    annotator.apply(Propagate(), Watched(snapshot), key="k")
    finished = everything(annotator)
    assert b'"propagate"' in (copy / "log.jsonl").read_bytes().splitlines()[-1]
    assert list((copy / "masks").glob(".unfinished-*"))
    annotator.close()
    annotator = start(Telltale(streams=True), name="killed")
    assert annotator.state.content == state.content
    assert same(everything(annotator), shown)
    assert not list((copy / "masks").glob(".unfinished-*"))
    annotator.apply(Propagate(), key="k")
    assert same(everything(annotator), finished)


EYE = to_rle(np.eye(8, 40) > 0)["counts"]
steps = st.lists(
    st.one_of(
        st.builds(AddObject),
        st.builds(AddClick, st.integers(0, 4), st.integers(1, 3), st.integers(0, 39), st.integers(1, 7)),
        st.builds(AddBox, st.integers(0, 4), st.integers(1, 2), *([st.integers(1, 7)] * 4)),
        st.builds(AddScribble, st.integers(0, 4), st.integers(0, 2), st.just(((1.0, 2.0), (3.0, 4.0)))),
        st.builds(AddMask, st.integers(0, 4), st.integers(1, 2), st.just((8, 40)), st.just(EYE)),
        st.builds(Clear, st.integers(0, 4)),
        st.just(Commit()),
        st.just(Propagate()),
        st.just(Propagate()),
        st.builds(DeleteObject, st.integers(1, 3)),
        st.builds(Review, st.integers(0, 4), st.sampled_from(["reviewed", "doubtful", None])),
        st.just(Undo()),
        st.just(Undo()),
        st.just(Redo()),
    ),
    max_size=25,
)
traits = st.fixed_dictionaries(
    {
        "grows": st.sampled_from(["always", "between", "never"]),
        "saves": st.booleans(),
        "streams": st.booleans(),
        "boxes": st.booleans(),
        "one_frame": st.booleans(),
        "max_undo": st.integers(1, 3),
    }
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps, traits, st.booleans())
def test_any_session_is_replayed_and_the_model_stays_in_step(tmp_path_factory, actions, traits, preview):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda file: None)  # nothing is killed here
        play(tmp_path_factory.mktemp("any"), actions, traits, preview)


def play(folder, actions, traits, preview):
    project = Project.create(folder / "project", make_video(folder / "video"))
    with Annotator(project, Telltale(**traits), preview=preview) as annotator:
        for action in [AddObject(), AddObject(), AddClick(0, 1, 4, 4), *actions]:
            before, shown = annotator.state.content, everything(annotator)
            try:
                annotator.apply(action)
            except ActionError:
                assert annotator.state.content == before
                continue
            if not isinstance(action, Undo | Redo):
                after = annotator.state.content, everything(annotator)
                annotator.apply(Undo())
                assert annotator.state.content == before
                assert same(everything(annotator), shown)
                annotator.apply(Redo())
                assert annotator.state.content == after[0]
                assert same(everything(annotator), after[1])
        annotator.apply(AddScribble(0, 0, ((9, 5),)))
        state, shown = annotator.state, everything(annotator)
        shutil.copytree(folder / "project", folder / "copy")
        annotator.apply(Propagate())
        spread = everything(annotator)
    with Annotator(Project.open(folder / "copy"), Telltale(**traits), preview=preview) as annotator:
        assert annotator.state == state
        assert same(everything(annotator), shown)
        annotator.apply(Propagate())
        assert same(everything(annotator), spread)
