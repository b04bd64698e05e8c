"""How few calls bring a session in step."""

import numpy as np
import pytest

from civos_siaf.app.document.actions import (
    ActionError,
    AddBox,
    AddClick,
    AddObject,
    AddScribble,
    Propagate,
    Redo,
    Undo,
)
from tests.app.fakes import Telltale


def rounds(annotator, count):
    annotator.apply(AddObject())
    for number in range(count):
        annotator.apply(AddClick(number % 5, 1, 4 + number, 4))
        annotator.apply(Propagate())


def test_undo_of_a_round_goes_back_in_the_session(start):
    annotator = start(method := Telltale())
    rounds(annotator, 3)
    method.calls.clear()
    annotator.apply(Undo())
    annotator.apply(Undo())
    assert method.calls == []
    annotator.apply(AddClick(4, 1, 9, 4))
    assert method.calls == ["undo", "interact 1"]


def test_undo_and_redo_leave_the_session_where_it_is(start):
    annotator = start(method := Telltale())
    rounds(annotator, 3)
    method.calls.clear()
    for action in [Undo()] * 4 + [Redo()] * 4:
        annotator.apply(action)
    annotator.apply(AddClick(4, 1, 9, 4))
    assert method.calls == ["interact 1"]


@pytest.mark.parametrize("saves", [True, False])
def test_far_back_is_loaded_or_replayed(start, saves):
    far = 4  # two rounds, of which the session can undo one
    annotator = start(method := Telltale(saves=saves, max_undo=1))
    rounds(annotator, 4)
    method.calls.clear()
    for _ in range(far):
        annotator.apply(Undo())
    annotator.apply(AddClick(4, 1, 9, 4))
    assert method.calls.count("propagate") == 2  # the two states that are kept are of the rounds undone
    for _ in range(2):
        annotator.apply(Undo())
    method.calls.clear()
    annotator.apply(AddClick(4, 1, 9, 4))
    assert "propagate" not in method.calls


@pytest.mark.parametrize("saves", [True, False])
def test_reopening_asks_nothing_until_it_must(start, saves):
    annotator = start(Telltale(saves=saves))
    rounds(annotator, 3)
    annotator.apply(AddClick(4, 1, 9, 4))
    annotator.close()
    annotator = start(method := Telltale(saves=saves))
    assert not annotator.state.ready
    annotator.apply(Undo())
    annotator.apply(Redo())
    assert method.calls == []
    told = []

    class Watch:
        def progress(self, what, done, total):
            told.append(what)

        def arrived(self, frame):
            pass

    annotator.apply(AddClick(4, 1, 12, 4), Watch())
    replayed = ["open", *["interact 1", "propagate"] * 3, "interact 1", "interact 1"]
    assert method.calls == (["open", "load", "interact 1", "interact 1"] if saves else replayed)
    assert set(told) == {"restoring"}
    assert annotator.state.ready


def test_the_state_of_another_method_is_not_loaded(start):
    annotator = start(Telltale(saves=True))
    rounds(annotator, 1)
    annotator.close()
    annotator = start(method := Telltale(saves=True), name="project")
    annotator.close()
    from civos_siaf.app.storage.round_files import SessionFiles

    folder = annotator.project.folder / "sessions"
    assert SessionFiles(folder, "Telltale").objects("r4") == (1,)
    assert SessionFiles(folder, "other").objects("r4") is None
    assert method.calls == []


def test_a_damaged_state_is_replayed(start):
    annotator = start(Telltale(saves=True))
    rounds(annotator, 2)
    folder = annotator.project.folder / "sessions"
    annotator.close()
    for path in folder.glob("*/told.json"):
        path.write_text("{")
    annotator = start(method := Telltale(saves=True))
    annotator.apply(AddClick(4, 1, 9, 4))
    assert method.calls.count("propagate") == 2


def test_only_the_last_states_are_kept(start):
    annotator = start(Telltale(saves=True))
    rounds(annotator, 4)
    assert len(list((annotator.project.folder / "sessions").iterdir())) == 2


@pytest.mark.parametrize("grows", ["always", "between", "never"])
def test_objects_come_in_the_middle_of_a_round(start, grows):
    shown = {}
    for way in ("always", grows):
        annotator = start(method := Telltale(grows=way), name=way)
        rounds(annotator, 1)
        annotator.apply(AddClick(1, 1, 9, 4))
        annotator.apply(AddObject())
        annotator.apply(AddObject())
        annotator.apply(AddClick(2, 3, 9, 4))
        annotator.apply(Undo())
        annotator.apply(AddClick(3, 2, 20, 4))
        annotator.apply(Propagate())
        shown[way] = [annotator.labels(frame) for frame in range(5)]
        assert method.calls.count("open") == (2 if way == "never" else 1)
        annotator.close()
    assert np.array_equal(shown["always"], shown[grows])


@pytest.mark.parametrize("boxes", [True, False])
@pytest.mark.parametrize("says", [True, False])
def test_boxes_become_clicks_where_they_are_not_taken(start, boxes, says):
    from civos_siaf.prompts import Box, Click

    class Says(Telltale):
        def open(self, frames, *, num_objects):
            session = super().open(frames, num_objects=num_objects)
            if says:
                session.accepts = (Click, Box) if boxes else (Click,)
            return session

    annotator = start(method := Says(boxes=boxes))
    annotator.apply(AddObject())
    annotator.apply(AddBox(0, 1, 10, 3, 14, 5))
    assert method.calls == ["open", "interact 1" if boxes else "interact 4"]  # one of five is outside


def test_prompts_that_a_method_does_not_take_are_refused(start):
    class Refuses(Telltale):
        def open(self, frames, *, num_objects):
            session = super().open(frames, num_objects=num_objects)
            interact = session.interact

            def refuse(prompts):
                if prompts.scribbles:
                    raise ValueError("this method takes Click")
                return interact(prompts)

            session.interact = refuse
            return session

    annotator = start(Refuses())
    annotator.apply(AddObject())
    before = annotator.state
    with pytest.raises(ActionError, match="this method takes Click"):
        annotator.apply(AddScribble(0, 1, ((1, 1),)))
    assert annotator.state is before
    annotator.apply(AddClick(0, 1, 1, 1))
    assert annotator._model._session._told == ("click:1:1.0:1.0:True",)


def test_of_very_many_objects_only_those_with_prompts_have_room(start):
    annotator = start(method := Telltale(saves=True))
    asked = []
    opened = method.open
    method.open = lambda frames, *, num_objects: (
        asked.append(num_objects) or opened(frames, num_objects=num_objects)
    )
    for _ in range(200):
        annotator.apply(AddObject())
    annotator.apply(AddClick(0, 200, 4, 4))
    annotator.apply(AddClick(0, 7, 9, 4))
    annotator.apply(Propagate())
    assert asked == [1]
    shown = [annotator.labels(frame) for frame in range(5)]
    assert {int(number) for labels in shown for number in np.unique(labels)} <= {0, 7, 200}
    assert any((labels == 200).any() for labels in shown)
    annotator.close()
    annotator = start(method := Telltale(saves=True))  # the state that was saved knows the numbers
    annotator.apply(AddClick(1, 200, 4, 4))
    assert set(np.unique(annotator.labels(1)).tolist()) <= {0, 7, 200}
