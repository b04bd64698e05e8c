import numpy as np

from civos_siaf import Click, Frames, Prompts, Scribble
from civos_siaf.methods import NearestColour


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
