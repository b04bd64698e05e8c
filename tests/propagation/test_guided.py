"""A guided network in the propagator: what it is shown of the frame before and of the annotated frames."""

import numpy as np
import torch

from civos_siaf.networks.guided_propagation import GuidedPropagation
from civos_siaf.networks.light_propagation import LightPropagation
from civos_siaf.propagation.propagator import Propagator
from civos_siaf.propagation.settings import PropagationSettings
from civos_siaf.video.frames import Frames
from tests.propagation.toys import masks, video


class Watched(GuidedPropagation):
    """Notes what its target models are fitted on, and the frames before."""

    def __init__(self):
        super().__init__()
        self.fits, self.befores = [], []

    def fit_target(self, features, inside, weights=None):
        self.fits.append((inside.clone(), weights.clone()))
        return super().fit_target(features, inside, weights)

    def decode(self, readout, frame, before=None):
        self.befores.append(before)
        return super().decode(readout, frame, before)


def networks():
    torch.manual_seed(0)
    plain, guided = LightPropagation().eval(), Watched().eval()
    guided.load_state_dict(guided.state_dict() | plain.state_dict())
    return plain, guided


def test_fresh_guidance_changes_no_mask():
    frames = video(6, height=64, width=96)
    labels = [
        Propagator(network, None, frames, num_objects=2).interact(masks(2, 64, 96), 2)
        for network in networks()
    ]
    assert np.array_equal(*labels)


def test_the_frame_before_is_the_neighbour():
    frames = video(5, height=64, width=96)
    _, guided = networks()
    propagator = Propagator(guided, None, frames, num_objects=1)
    given = masks(1, 64, 96)
    propagator.interact(given, 2)
    assert len(guided.befores) == 4
    # Each sweep starts from the annotated masks, and goes on from what it found itself.
    for first in (guided.befores[0], guided.befores[2]):
        assert torch.equal(first.masks[0, 0], given[1])
        assert torch.equal(first.features.key, propagator.features[2].key)
    assert torch.equal(guided.befores[1].features.key, propagator.features[3].key)
    assert not torch.equal(guided.befores[1].masks, guided.befores[0].masks)


def test_frames_teach_nothing_of_objects_that_came_later():
    frames = video(5, height=64, width=96)
    _, guided = networks()
    propagator = Propagator(guided, None, frames, num_objects=1)
    propagator.interact(masks(1, 64, 96), 0)
    propagator.add_objects(1)
    propagator.interact(masks(2, 64, 96), 4)
    inside, weights = guided.fits[-1]
    positions = 4 * 6
    assert inside.shape == (2, 2 * positions)
    assert weights[0].all()
    assert not weights[1, :positions].any()
    assert weights[1, positions:].all()


def test_everything_is_propagated_again_from_the_nearest_annotated_frame():
    frames = video(9, height=64, width=96)
    plain, _ = networks()
    visited = []
    propagator = Propagator(
        plain,
        None,
        frames,
        num_objects=1,
        settings=PropagationSettings(repropagate=True),
        observer=lambda step: visited.append(step.frame),
    )
    propagator.interact(masks(1, 64, 96), 2)
    assert sorted(visited) == [0, 1, 3, 4, 5, 6, 7, 8]
    visited.clear()
    propagator.annotate(masks(1, 64, 96, seed=1), 6, coming=[8])
    assert visited == []
    propagator.annotate(masks(1, 64, 96, seed=2), 8)
    assert sorted(visited) == [0, 1, 3, 4, 5, 7]
    assert visited.index(4) > visited.index(3)
    assert visited.index(5) < visited.index(7)
    assert isinstance(frames, Frames)
