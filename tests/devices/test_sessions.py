"""Whole sessions on another device give what they give on the CPU."""

from functools import partial

import numpy as np
import pytest
import torch

from civos_siaf import Click, Frames, MaskPrompt, Prompts, Scribble
from civos_siaf.api.methods import load_method
from civos_siaf.data.shapes.clips import ShapesClips
from civos_siaf.interaction.brs import MODES, refinement
from civos_siaf.interaction.multi_object_predictor import MultiObjectClickPredictor
from civos_siaf.interaction.predictor import ClickPredictor
from civos_siaf.interaction.scribble_interaction import ScribbleInteraction
from civos_siaf.interaction.zoom import ZoomIn
from civos_siaf.methods import SIAF, CiVOS, MiVOS
from civos_siaf.propagation.settings import AotSettings, PropagationSettings
from civos_siaf.weights.afi_networks import load_afi_network
from civos_siaf.weights.aot_networks import load_aot_network
from civos_siaf.weights.click_networks import build
from civos_siaf.weights.mivos_networks import load_network, load_propagation_network
from tests.devices.pretended import pretended

CLIP = ShapesClips(size=(72, 104), objects=(2, 2), video_frames=5, seed=3, held_out=True).render(0)


def clicks(frame, object_id):
    y, x = np.argwhere(CLIP.labels[frame] == object_id).mean(axis=0)
    other_y, other_x = np.argwhere(CLIP.labels[frame] != object_id)[0]
    return (
        Click(frame, object_id, float(x), float(y)),
        Click(frame, object_id, float(other_x), float(other_y), positive=False),
    )


def strokes(frame, object_id):
    points = np.argwhere(CLIP.labels[frame] == object_id)[:, ::-1]
    return (
        Scribble(frame, object_id, points[:: max(1, len(points) // 6)]),
        Scribble(frame, 0, [(1, 1), (9, 2)]),
    )


def played(method, draw, *, frames):
    """Everything that a session answers, with an undo and, where it takes them, a mask and a new object."""
    session = method.open(Frames.open(CLIP.images), num_objects=2)
    answers = []
    for round_frames in frames:
        drawn = [prompt for frame in round_frames for number in (1, 2) for prompt in draw(frame, number)]
        answers += session.interact(Prompts(tuple(drawn))).values()
        seen = []
        answers.append(session.propagate(arrived=lambda *heard, seen=seen: seen.append(heard[2])))
        answers.append(np.array(seen, dtype=float))
    session.undo()
    answers += session.interact(Prompts((MaskPrompt(frames[1][0], 1, CLIP.labels[2] == 2),))).values()
    answers.append(session.propagate())
    return [np.array(answer) for answer in answers]


def civos(*, device):
    return CiVOS(
        MultiObjectClickPredictor(load_network("hrnet18s-ocr", device=device), mode="f-BRS-B", flip=True),
        load_propagation_network("mivos-propagation", device=device),
        load_network("mivos-fusion", device=device),
        settings=PropagationSettings(mem_every=2, top_k=20),
    )


def mivos(*, device):
    return MiVOS(
        ScribbleInteraction(load_network("mivos-s2m", device=device)),
        load_propagation_network("mivos-propagation", device=device),
        load_network("mivos-fusion", device=device),
        settings=PropagationSettings(mem_every=2, top_k=20),
    )


def siaf(backbone, *, device):
    return SIAF(
        load_afi_network(f"afi-{backbone}", device=device),
        load_aot_network(f"{backbone}_aotl", device=device),
        settings=AotSettings(mem_every=2),
    )


# Refinement goes backward, which a pretended "cuda" cannot.
siaf_light, civos_light, mivos_light = (
    partial(load_method, name) for name in ("siaf_light", "civos_light", "mivos_light")
)
CASES = [
    pytest.param(siaf_light, clicks, ((1, 4), (2,)), "cuda", id="light_siaf-clicks"),
    pytest.param(siaf_light, strokes, ((1, 4), (2,)), "cuda", id="light_siaf-strokes"),
    pytest.param(civos_light, clicks, ((1,), (3,)), "cuda", id="light_civos"),
    pytest.param(mivos_light, strokes, ((1,), (3,)), "cuda", id="light_mivos"),
    pytest.param(civos, clicks, ((1,), (3,)), "meta", id="civos"),
    pytest.param(mivos, strokes, ((1,), (3,)), "cuda", id="mivos"),
    pytest.param(partial(siaf, "r50"), strokes, ((1, 4), (2,)), "cuda", id="siaf_r50"),
    pytest.param(partial(siaf, "swinb"), strokes, ((1, 4), (2,)), "cuda", id="siaf_swinb"),
]


@pytest.mark.filterwarnings("ignore:.*untrained")
@pytest.mark.parametrize(("make", "draw", "frames", "kind"), CASES)
def test_a_session_answers_the_same(make, draw, frames, kind):
    here = played(make(device="cpu"), draw, frames=frames)
    with pretended(kind):
        there = played(make(device=kind), draw, frames=frames)
    assert len(here) == len(there)
    for own, other in zip(here, there, strict=True):
        assert own.shape == other.shape
        # Untrained networks are undecided at many pixels, where rounding decides.
        different = ~np.isclose(own, other, atol=1e-5, equal_nan=True)
        assert np.count_nonzero(different) <= 0.04 * different.size
    assert any(answer.any() for answer in here)


@pytest.mark.parametrize("mode", MODES)
def test_a_click_with_every_refinement_answers_the_same(mode):
    def answers(device):
        torch.manual_seed(4)
        predictor = ClickPredictor(
            build("light-clicks").eval().to(device),
            refinement=refinement(mode, max_evals=4),
            zoom=ZoomIn(min_crop_size=20, target_size=64),
        )
        predictor.set_image(CLIP.images[0])
        predictor.add(Click(0, 1, 30.0, 30.0))
        return predictor.add(Click(0, 1, 70.0, 40.0, positive=False))

    here = answers("cpu")
    with pretended("meta"):
        there = answers("meta")
    np.testing.assert_allclose(here, there, atol=1e-4)
