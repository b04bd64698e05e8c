"""Published parts put together: what a session shows is what its parts give by themselves."""

from pathlib import Path

import numpy as np
import pytest
import torch

from civos_siaf import Click, Prompts, Scribble
from civos_siaf.interaction.frame_interaction import FrameView
from civos_siaf.interaction.multi_object_predictor import MultiObjectClickPredictor
from civos_siaf.interaction.scribble_interaction import ScribbleInteraction
from civos_siaf.methods import AotRounds
from civos_siaf.networks.imagenet import normalize
from civos_siaf.networks.padding import Padding
from civos_siaf.networks.s2m import S2m
from civos_siaf.propagation.aot_tracker import AotTracker
from civos_siaf.propagation.settings import AotSettings
from tests.parity import mivos_networks, ritm_networks
from tests.parity.check import Folder
from tests.propagation.toys import video

REFERENCE = Path(__file__).parents[1] / "reference"
FRAMES = video(5, height=64, width=80)
SETTINGS = AotSettings(mem_every=2)
CLICKS = (Click(2, 1, 30, 30), Click(2, 2, 60, 20), Click(2, 1, 60, 50, positive=False))
STROKES = (Scribble(2, 1, [(20, 30), (40, 34)]), Scribble(2, 2, [(60, 10), (62, 30)]))


@pytest.fixture(scope="module")
def ritm():
    """The network whose answers are compared with those of the original, layer by layer."""
    return ritm_networks.network(Folder(REFERENCE / "ritm"), "hrnet18s-ocr")


@pytest.fixture(scope="module")
def s2m():
    """Likewise."""
    return mivos_networks.network(Folder(REFERENCE / "mivos"), "s2m", S2m())


def tracked(images, aot, labels):
    """Labels of the frames after an annotated one, by the tracker that is compared with the original."""
    size = FRAMES.size
    tracker = AotTracker(aot, mem_every=SETTINGS.mem_every)
    small = torch.nn.functional.interpolate(
        torch.from_numpy(labels)[None, None].float(), size=images.size, mode="nearest"
    )[0, 0].to(torch.uint8)
    found = []
    with torch.inference_mode():
        tracker.add_reference(aot.encode_frame(images[2]), small, num_objects=2)
        for t in (3, 4):
            logits = tracker.propagate(aot.encode_frame(images[t]))
            found.append(tracker.labels(logits, size).numpy())
            tracker.update(tracker.labels(logits, images.size))
    return found


def check_rounds(session, prompts, expected, aot):
    shown = session.interact(prompts)
    assert list(shown) == [2]
    np.testing.assert_array_equal(shown[2], expected)
    first = np.array([*session.propagate()])
    np.testing.assert_array_equal(first[2], expected)
    for t, labels in zip((3, 4), tracked(session.propagator.images, aot, expected), strict=True):
        assert np.mean(first[t] != labels) < 0.01, t
    # Two frames in a round; what was annotated before stays, and undo goes back.
    more = Prompts(tuple(type(item)(t, *_rest(item)) for t in (0, 4) for item in prompts))
    assert set(session.interact(more)) == {0, 4}
    second = np.array([*session.propagate()])
    np.testing.assert_array_equal(second[2], expected)
    session.undo()
    np.testing.assert_array_equal(np.array([*session.propagate()]), first)


def _rest(item):
    if isinstance(item, Scribble):
        return item.object_id, item.points
    return item.object_id, item.x, item.y, item.positive


def test_clicks(ritm, aot):
    clicks = MultiObjectClickPredictor(ritm, mode="NoBRS", untouched="keep")
    session = AotRounds(aot, clicks=clicks, settings=SETTINGS).open(FRAMES, num_objects=2)
    assert Click in session.accepts
    assert Scribble not in session.accepts
    prob = clicks.predict(FRAMES[2], CLICKS, num_objects=2)
    expected = np.where(prob.max(0) > 0.5, prob.argmax(0) + 1, 0).astype(np.uint8)
    assert np.mean(expected > 0) > 0
    check_rounds(session, Prompts(CLICKS), expected, aot)


def test_scribbles(s2m, aot):
    masks = ScribbleInteraction(s2m, scale_to_padded=False)
    session = AotRounds(aot, scribbles=masks, settings=SETTINGS).open(FRAMES, num_objects=2)
    assert Scribble in session.accepts
    assert Click not in session.accepts
    padding = Padding.to_multiple(*FRAMES.size, 16)
    image = normalize(torch.tensor(FRAMES[2]).permute(2, 0, 1).float() / 255)
    view = FrameView(
        index=2,
        rgb=FRAMES[2],
        image=padding.pad(image)[None],
        padding=padding,
        prob=torch.zeros(3, *padding.size),
        labels=np.zeros(padding.size, np.uint8),
    )
    expected = padding.crop(masks.predict(view, [Prompts(STROKES)])).argmax(0).numpy().astype(np.uint8)
    check_rounds(session, Prompts(STROKES), expected, aot)


def test_neither_is_refused(aot):
    with pytest.raises(ValueError, match="a network for clicks or one for scribbles is needed"):
        AotRounds(aot)
