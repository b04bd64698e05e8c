import numpy as np
import pytest

from civos_siaf import Click, Frames, Prompts, Scribble
from civos_siaf.methods import NearestColour
from civos_siaf.prompts import Box, MaskPrompt


def test_clicks_scribbles_and_undo():
    video = np.zeros((3, 20, 30, 3), np.uint8)
    video[:, :, 15:] = 200
    session = NearestColour().open(Frames.open(video), num_objects=2)
    masks = session.interact(Prompts((Click(1, 1, 3, 3), Scribble(1, 2, [[20, 2], [25, 15]]))))
    assert list(masks) == [1]
    assert (masks[1][:, 15:] == 2).any()
    assert (masks[1][:5, :5] == 1).all()
    seen = []
    labels = session.propagate(lambda done, total: seen.append((done, total)))
    assert labels.shape == (3, 20, 30)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    session.undo()
    session.undo()
    assert not session.propagate().any()


def test_a_propagated_round_is_undone_as_one():
    session = NearestColour().open(Frames.open(np.zeros((2, 20, 30, 3), np.uint8)), num_objects=1)
    session.interact(Prompts((Click(0, 1, 3, 3),)))
    before = session.propagate()
    session.interact(Prompts((Click(0, 1, 3, 3, positive=False),)))
    session.interact(Prompts((Click(1, 1, 9, 3, positive=False),)))
    assert (session.propagate() != before).any()
    session.undo()
    assert (session.propagate() == before).all()
    session.undo()
    assert not session.propagate().any()


def test_a_mask_is_the_answer_on_its_frame():
    video = np.zeros((3, 20, 30, 3), np.uint8)
    video[:, 5:15, 10:20] = 200
    session = NearestColour(place_weight=30).open(Frames.open(video), num_objects=2)
    mask = np.zeros((20, 30), bool)
    mask[5:15, 10:20] = True
    mask[0, 29] = True
    found = session.interact(Prompts((MaskPrompt(1, 2, mask),)))
    assert np.array_equal(found[1], 2 * mask)
    labels = session.propagate()
    assert np.array_equal(labels[1], 2 * mask)
    assert (labels[0][5:15, 10:20] == 2).all()  # and the colours under it count elsewhere
    corrected = session.interact(Prompts((Click(1, 1, 15, 10),)))[1]
    assert corrected[10, 15] == 1
    assert corrected[0, 29] == 2
    session.undo()
    assert np.array_equal(session.propagate()[1], 2 * mask)
    at_once = NearestColour(place_weight=30).open(Frames.open(video), num_objects=2)
    together = at_once.interact(Prompts((MaskPrompt(1, 2, mask), Click(1, 1, 15, 10))))[1]
    assert np.array_equal(together, corrected)
    at_once.undo()
    assert not at_once.propagate().any()


@pytest.mark.parametrize(
    "prompt", [Box(0, 1, 2, 3, 10, 12), Click(0, 3, 2, 2), MaskPrompt(0, 1, np.ones((4, 5), bool))], ids=str
)
def test_what_is_not_understood_is_refused(prompt):
    session = NearestColour().open(Frames.open(np.zeros((2, 20, 30, 3), np.uint8)), num_objects=2)
    with pytest.raises(ValueError, match=r"this method takes|objects 1\.\.2|size \(4, 5\)"):
        session.interact(Prompts((prompt,)))
    assert not session.propagate().any()
