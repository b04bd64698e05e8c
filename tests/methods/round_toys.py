"""Sessions of CiVOS and MiVOS whose networks can be followed by eye."""

import numpy as np
import torch

from civos_siaf import Click, Prompts, Scribble
from civos_siaf.interaction.scribble_interaction import ScribbleInteraction
from civos_siaf.methods import CiVOS, MiVOS
from civos_siaf.propagation.settings import PropagationSettings
from tests.propagation.toys import ToyFusion, ToyPropagation, video

FRAMES = video(8)

SIZE = (40, 70)


class Circles:
    """Takes the part of `MultiObjectClickPredictor`: a disk around each click; notes what it is given."""

    def __init__(self):
        self.seen = []

    uses_motion = False

    def forget(self):
        pass

    def predict(self, image, clicks, *, num_objects, previous=None, motion=None):
        self.seen.append((image, list(clicks), previous))
        rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
        prob = np.zeros((num_objects, *SIZE), np.float32) if previous is None else 0.9 * previous
        for click in clicks:
            near = np.hypot(rows - click.y, columns - click.x) < 9
            prob[click.object_id - 1][near] = 0.8 if click.positive else 0.1
        return prob


class Strokes(torch.nn.Module):
    """Takes the part of S2M: previous mask or positive, not negative; notes what it is given."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, inputs):
        self.seen.append(inputs.clone())
        return 8 * ((inputs[:, 3:4] + inputs[:, 4:5]).clamp(0, 1) - inputs[:, 5:6]) - 4


def civos(**options):
    method = CiVOS(
        Circles(), ToyPropagation(), ToyFusion(), settings=PropagationSettings(mem_every=2), **options
    )
    return method.open(FRAMES, num_objects=2)


def mivos(num_objects=2, **options):
    method = MiVOS(
        ScribbleInteraction(Strokes()),
        ToyPropagation(),
        ToyFusion(),
        settings=PropagationSettings(mem_every=2),
        **options,
    )
    return method.open(FRAMES, num_objects=num_objects)


def at(frame, *places):
    return Prompts(tuple(Click(frame, k, x, y) for k, x, y in places))


def line(frame, object_id, *points):
    return Prompts((Scribble(frame, object_id, points),))


ONE, TWO = at(2, (1, 15, 12), (2, 50, 25)), at(6, (1, 30, 20))
