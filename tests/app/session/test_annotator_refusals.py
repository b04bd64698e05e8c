"""The facade: what is refused, and what is done once only."""

import pytest

from civos_siaf.app.document.actions import (
    ActionError,
    AddBox,
    AddClick,
    AddMask,
    AddObject,
    AddScribble,
    ChangeObject,
    Commit,
    DeleteObject,
    Propagate,
    Redo,
    Review,
)
from tests.app.fakes import WIDTH


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
