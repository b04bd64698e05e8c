"""The facade: prompts, objects and what a person sees."""

import numpy as np
import pytest

from civos_siaf.app.document.actions import (
    ActionError,
    AddClick,
    AddObject,
    AddScribble,
    Clear,
    Commit,
    DeleteObject,
    Propagate,
    Redo,
    Review,
    Undo,
)
from civos_siaf.app.session.annotator import Annotator
from civos_siaf.app.storage.project import Project
from civos_siaf.methods import NearestColour
from civos_siaf.video.writer import write_video
from tests.app.annotating import everything, same, two_rounds
from tests.app.fakes import HEIGHT, WIDTH, Telltale


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
        "unfinished": [],
        "damaged": [],
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
