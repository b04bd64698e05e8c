"""On an annotated frame every positive click lies in its object, and every negative one outside."""

import numpy as np
import pytest
import torch

from civos_siaf import Click, Prompts
from civos_siaf.api.methods import load_method
from civos_siaf.interaction.click_guarantee import pixel
from civos_siaf.video.frames import Frames

SIZE = (72, 96)


def clip(seed):
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (4, 9, 12, 3), dtype=np.uint8)
    return Frames.open(np.repeat(np.repeat(small, 8, axis=1), 8, axis=2))


def random_clicks(frame, rng, taken):
    """A few clicks at places that no click before has."""
    clicks = []
    for _ in range(int(rng.integers(1, 4))):
        place = int(rng.integers(SIZE[1])), int(rng.integers(SIZE[0]))
        if place not in taken:
            taken.add(place)
            number, positive = int(rng.integers(1, 3)), bool(rng.random() < 0.6)
            clicks.append(Click(frame, number, x=place[0], y=place[1], positive=positive))
    return clicks


def check(labels, clicks):
    for click in clicks:
        assert (labels[pixel(click, *SIZE)] == click.object_id) == click.positive, click


@pytest.mark.parametrize("name", ["civos_light", "siaf_light"])
def test_clicks_of_random_sessions_hold(name):
    torch.manual_seed(0)
    opened = load_method(name)
    for seed in range(2):
        rng = np.random.default_rng(seed)
        session = opened.open(clip(seed), num_objects=2)
        given, taken = {}, {}
        for _ in range(3):
            for frame in rng.permutation(4)[:2].tolist():
                new = random_clicks(frame, rng, taken.setdefault(frame, set()))
                if new:
                    given.setdefault(frame, []).extend(new)
                    shown = session.interact(Prompts(tuple(new)))
                    check(shown[frame], given[frame])
            labels = session.propagate()
            for frame, clicks in given.items():
                check(labels[frame], clicks)
