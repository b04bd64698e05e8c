from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from civos_siaf import Click, Frames, Prompts, Scribble

CONFIGS = Path(__file__).parents[2] / "configs"
VIDEO = np.random.default_rng(0).integers(0, 256, (4, 64, 96, 3), dtype=np.uint8)
CLICKS = Prompts((Click(1, 1, 30, 30), Click(1, 1, 40, 30), Click(1, 1, 5, 5, positive=False)))
SCRIBBLES = Prompts((Scribble(1, 1, [[20, 20], [50, 40]]), Scribble(1, 0, [[5, 5], [9, 9]])))


@pytest.fixture(scope="module")
def configs():
    with initialize_config_dir(config_dir=str(CONFIGS), version_base="1.3"):
        yield


@pytest.mark.parametrize("name", ["civos", "civos_light", "mivos", "mivos_light", "mivos_clicks"])
@pytest.mark.filterwarnings("ignore:.*untrained")
def test_every_method_plays_two_rounds(configs, name):
    method = instantiate(compose(f"method/{name}").method)
    session = method.open(Frames.open(VIDEO), num_objects=1)
    prompts = SCRIBBLES if name in ("mivos", "mivos_light") else CLICKS
    for _ in range(2):
        assert session.interact(prompts)[1].shape == (64, 96)
        labels = session.propagate()
        assert labels.shape == (4, 64, 96)
        assert labels.max() <= 1
    assert session.wanted_frames == ((1,) if name == "mivos" else None)


def test_an_untrained_network_is_said_to_be_one(configs):
    cfg = compose("method/mivos_light").method
    with pytest.warns(UserWarning, match="light-s2m is untrained"):
        instantiate(cfg.interaction)


def test_the_published_values_are_the_defaults(configs):
    settings = compose("method/civos").method.settings
    assert (settings.mem_freq, settings.top_k, settings.keep_outdated, settings.empty_rim) == (
        5,
        50,
        True,
        True,
    )
    cfg = compose("method/mivos").method
    assert list(cfg.propagate_after) == [2, 5, 7]
    assert cfg.interaction.scale_to_padded
