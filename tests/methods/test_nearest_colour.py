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
