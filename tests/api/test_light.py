from dataclasses import is_dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from torch import nn

from civos_siaf import Click, Frames, Prompts, Scribble
from civos_siaf.api.light import light_civos, light_mivos, light_siaf
from civos_siaf.data.shapes.clips import ShapesClips

CONFIGS = Path(__file__).parents[2] / "configs"


def plain(value):
    """Settings and weights of a method as plain values."""
    if isinstance(value, nn.Module):
        return type(value).__name__, {name: x.sum().item() for name, x in value.state_dict().items()}
    if isinstance(value, torch.Tensor | int | float | str | bool | None | type | torch.device):
        return value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if is_dataclass(value):
        return type(value).__name__, repr(value)
    return type(value).__name__, {name: plain(item) for name, item in vars(value).items()}


@pytest.mark.parametrize(
    ("name", "make"), [("siaf_light", light_siaf), ("civos_light", light_civos), ("mivos_light", light_mivos)]
)
def test_they_are_those_of_the_configuration(name, make):
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        configured = instantiate(compose("eval_davis", overrides=[f"method={name}"]).method)
    assert plain(make()) == plain(configured)


def test_they_segment_a_video():
    torch.set_num_threads(1)
    clip = ShapesClips(size=(120, 160), objects=(1, 1), video_frames=4, seed=3, held_out=True).render(0)
    y, x = np.argwhere(clip.labels[0] == 1).mean(axis=0)
    frames = Frames.open(clip.images)
    for method, prompt in (
        (light_civos(), Click(0, 1, x=float(x), y=float(y))),
        (light_siaf(), Scribble(0, 1, [(x - 3, y), (x + 3, y)])),
        (light_mivos(), Scribble(0, 1, [(x - 3, y), (x + 3, y)])),
    ):
        session = method.open(frames, num_objects=1)
        session.interact(Prompts((prompt,)))
        found, truth = session.propagate() == 1, clip.labels == 1
        assert (found & truth).sum() / (found | truth).sum() > 0.5
