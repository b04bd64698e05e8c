"""The shipped light SIAF on a synthetic video that no training saw."""

import numpy as np
import pytest
import torch

from civos_siaf import Click, Scribble
from civos_siaf.benchmark.robot import ScribbleRobot
from civos_siaf.data.shapes.clips import ShapesClips
from civos_siaf.data.shapes.video_set import RULES
from civos_siaf.methods import SIAF
from civos_siaf.prompts import Prompts
from civos_siaf.video.frames import Frames
from civos_siaf.weights.afi_networks import load_afi_network
from civos_siaf.weights.aot_networks import load_aot_network
from civos_siaf.weights.locate import own_weights

FRAMES = (1, 5, 9)
"""The frame on which each of the three objects is marked."""


@pytest.fixture(scope="module")
def clip():
    source = ShapesClips(size=(240, 426), objects=(3, 3), video_frames=12, seed=1, rules=RULES, held_out=True)
    return source.render(0)


def strokes(labels):
    height, width = labels.shape[1:]
    found = []
    for number, t in enumerate(FRAMES, 1):
        own = np.where(labels[t] == number, number, 0).astype(np.uint8)
        for stroke in ScribbleRobot().draw(own, np.zeros_like(own), 3):
            found.append(Scribble(t, number, stroke.path * (width - 1, height - 1)))
    return Prompts(tuple(found))


def clicks(labels):
    found = []
    for number, t in enumerate(FRAMES, 1):
        y, x = np.argwhere(labels[t] == number).mean(axis=0)
        found.append(Click(t, number, x=float(x), y=float(y)))
    return Prompts(tuple(found))


def segmented(clip, prompts, *, across=True):
    torch.manual_seed(0)
    method = SIAF(
        load_afi_network("light-interaction", across=across),
        load_aot_network("light-identity", own_weights("light_identity")),
        interaction_short=320,
    )
    session = method.open(Frames.open(clip.images), num_objects=3)
    session.interact(prompts)
    return session.propagate()


def ious(labels, truth, frames):
    """IoU (frames, 3) of each object."""
    numbers = np.arange(1, 4)[:, None, None]
    pairs = [(labels[t] == numbers, truth[t] == numbers) for t in frames]
    return np.array([(a & b).sum(axis=(1, 2)) / np.maximum((a | b).sum(axis=(1, 2)), 1) for a, b in pairs])


@pytest.mark.parametrize("prompt", [strokes, clicks])
def test_each_object_may_be_marked_on_another_frame(clip, prompt):
    labels = segmented(clip, prompt(clip.labels))
    everywhere = ious(labels, clip.labels, range(len(labels)))
    assert everywhere.mean() > 0.85
    assert (everywhere.mean(axis=0) > 0.7).all()


def test_without_attention_across_frames_a_marked_object_stays_on_its_frame(clip):
    elsewhere = ~np.eye(3, dtype=bool)
    found = {
        across: ious(segmented(clip, strokes(clip.labels), across=across), clip.labels, FRAMES)[elsewhere]
        for across in (True, False)
    }
    assert found[True].mean() > found[False].mean() + 0.3
