import numpy as np

from civos_siaf import Scribble
from civos_siaf.methods import NearestColour
from civos_siaf.speed.propagation import made_video
from civos_siaf.speed.siaf import play_round


class Seen(NearestColour):
    """Keeps the prompts of each call of `interact`."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def open(self, frames, *, num_objects):
        session = super().open(frames, num_objects=num_objects)
        interact = session.interact

        def noted(prompts):
            self.calls.append(prompts)
            return interact(prompts)

        session.interact = noted
        return session


def test_strokes_are_answered_and_masks_are_what_is_propagated():
    method = Seen()
    video = made_video(3, 64, 96)
    labels = play_round(method, video, 3)
    assert labels.shape == (3, 64, 96)
    assert sorted(np.unique(labels[0])) == [0, 1, 2, 3]
    strokes, masks = method.calls
    assert {type(item) for item in strokes} == {Scribble}
    assert len(strokes) == len(masks) == 3
    for item in masks:
        assert ((labels[0] == item.object_id) == item.mask).all()
