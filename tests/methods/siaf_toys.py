"""A session of SIAF whose networks can be followed by eye, or are small."""

import numpy as np

from civos_siaf import Prompts, Scribble
from civos_siaf.methods import SIAF
from civos_siaf.propagation.settings import AotSettings
from tests.interaction.fake_afi import FakeAfi
from tests.propagation.toys import video

SIZE, COUNT = (40, 70), 9

FRAMES = video(COUNT)


def opened(aot, num_objects=2, **options):
    # Small frames for AOT: there is nothing here that depends on their size.
    method = SIAF(FakeAfi(), aot, settings=AotSettings(mem_every=2, max_short=20), **options)
    return method.open(FRAMES, num_objects=num_objects)


def stroke(frame, object_id, x, y):
    return Scribble(frame, object_id, [(x - 4, y), (x + 4, y)])


ONE = Prompts((stroke(2, 1, 20, 20), stroke(2, 2, 50, 20)))

TWO = Prompts((stroke(6, 1, 30, 10), stroke(6, 0, 60, 30)))


class FakeClicks:
    """An object is a disc of radius 6 around each positive click, and what it was before."""

    untouched = "keep"

    def __init__(self):
        self.calls = []

    uses_motion = False

    def forget(self):
        pass

    def predict(self, image, clicks, *, num_objects, previous=None, motion=None):
        self.calls.append((len(clicks), previous.copy()))
        y, x = np.mgrid[: image.shape[0], : image.shape[1]]
        prob = previous.copy()
        for number in {click.object_id for click in clicks}:
            prob[number - 1] *= 0.6
        for click in clicks:
            near = (x - click.x) ** 2 + (y - click.y) ** 2 <= 36
            prob[click.object_id - 1][near] = 0.9 * click.positive
        return prob.astype(np.float32)
