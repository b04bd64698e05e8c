from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from civos_siaf import Click, Frames, Prompts, Scribble

CONFIGS = Path(__file__).parents[2] / "configs"
VIDEO = np.random.default_rng(0).integers(0, 256, (4, 64, 96, 3), dtype=np.uint8)
CLICKS = Prompts((Click(1, 1, 30, 30), Click(1, 1, 40, 30), Click(1, 1, 5, 5, positive=False)))
METHODS = ("civos", "civos_light", "mivos", "mivos_light", "mivos_clicks")
SIAF = ("siaf_light", "siaf_r50", "siaf_swinb")
SCRIBBLES = Prompts((Scribble(1, 1, [[20, 20], [50, 40]]), Scribble(1, 0, [[5, 5], [9, 9]])))


@pytest.fixture(scope="module")
def configs():
    with initialize_config_dir(config_dir=str(CONFIGS), version_base="1.3"):
        yield


@pytest.mark.parametrize("name", [*METHODS, *SIAF])
@pytest.mark.filterwarnings("ignore:.*untrained")
def test_every_method_plays_two_rounds(configs, name):
    method = instantiate(compose(f"method/{name}").method)
    session = method.open(Frames.open(VIDEO), num_objects=1)
    prompts = SCRIBBLES if name in ("mivos", "mivos_light") else CLICKS
    if name in SIAF:
        prompts += SCRIBBLES
    for _ in range(2):
        assert session.interact(prompts)[1].shape == (64, 96)
        labels = session.propagate()
        assert labels.shape == (4, 64, 96)
        assert labels.max() <= 1
    assert session.wanted_frames == ((1,) if name == "mivos" else None)


def test_an_untrained_network_is_said_to_be_one(configs):
    cfg = compose("method/mivos").method
    with pytest.warns(UserWarning, match="mivos-s2m is untrained"):
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


@pytest.mark.filterwarnings("ignore:.*untrained")
def test_the_ablations_of_siaf_are_switches(configs):
    off = ["method.interaction.across=false", "method.settings.repropagate=false"]
    method = instantiate(compose("eval_davis", overrides=["method=siaf_light", "out=x", *off]).method)
    assert not method.settings.repropagate
    assert not method.interaction.network.across
    assert instantiate(compose("method/siaf_light").method.interaction).across
    session = method.open(Frames.open(VIDEO), num_objects=1)
    session.interact(SCRIBBLES)
    assert session.propagate().shape == (4, 64, 96)


def test_siaf_says_which_networks_are_untrained(configs, monkeypatch, tmp_path):
    cfg = compose("method/siaf_r50").method
    with pytest.warns(UserWarning, match="afi-r50 is untrained"):
        instantiate(cfg.interaction)
    light = compose("method/siaf_light").method.propagation
    assert (light.path.name, light.path.required) == ("light_identity", False)
