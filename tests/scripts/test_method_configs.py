from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from civos_siaf import Click, Frames, Prompts, Scribble
from civos_siaf.weights import locate
from civos_siaf.weights.manifest import find_record, manifest

CONFIGS = Path(__file__).parents[2] / "configs"
VIDEO = np.random.default_rng(0).integers(0, 256, (4, 64, 96, 3), dtype=np.uint8)
CLICKS = Prompts((Click(1, 1, 30, 30), Click(1, 1, 40, 30), Click(1, 1, 5, 5, positive=False)))
METHODS = ("civos", "civos_light", "mivos", "mivos_light", "mivos_clicks")
SIAF = ("siaf_light", "siaf_r50", "siaf_swinb")
AOT = ("clicks_aot", "scribbles_aot")
SCRIBBLES = Prompts((Scribble(1, 1, [[20, 20], [50, 40]]), Scribble(1, 0, [[5, 5], [9, 9]])))


@pytest.fixture(scope="module")
def configs():
    with initialize_config_dir(config_dir=str(CONFIGS), version_base="1.3"):
        yield


def untrained(name):
    """Options that take the published files of a method away, where it has any."""
    options = manifest().methods[name]
    return [f"{option}=null" for option in (*options.published, *options.trained)]


@pytest.mark.parametrize("name", [*METHODS, *SIAF, *AOT])
@pytest.mark.filterwarnings("ignore:.*untrained")
def test_every_method_plays_two_rounds(configs, name):
    method = instantiate(
        compose("eval_davis", overrides=[f"method={name}", "out=x", *untrained(name)]).method
    )
    session = method.open(Frames.open(VIDEO), num_objects=1)
    prompts = SCRIBBLES if name in ("mivos", "mivos_light", "scribbles_aot") else CLICKS
    if name in SIAF:
        prompts += SCRIBBLES
    for _ in range(2):
        assert session.interact(prompts)[1].shape == (64, 96)
        labels = session.propagate()
        assert labels.shape == (4, 64, 96)
        assert labels.max() <= 1
    assert session.wanted_frames == ((1,) if name == "mivos" else None)


@pytest.mark.parametrize("name", ["civos", "mivos", "mivos_clicks", "siaf_r50", "siaf_swinb", *AOT])
def test_published_weights_are_looked_for_and_their_absence_is_told(name, configs, tmp_path, monkeypatch):
    monkeypatch.setenv("CIVOS_SIAF_CHECKPOINTS", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    cfg = compose("eval_davis", overrides=[f"method={name}", "out=x"])
    needs = manifest().methods[name]
    assert needs.published
    for option, weights in needs.published.items():
        node = OmegaConf.select(cfg, option)
        assert node.name == weights
        with pytest.raises(
            FileNotFoundError, match=f"no {find_record(weights).file_name} in .*download_weights.py {weights}"
        ):
            locate.published_weights(node.name)
        (tmp_path / find_record(weights).file_name).touch()
        assert instantiate(node) == tmp_path / find_record(weights).file_name
    for option, experiment in needs.trained.items():
        node = OmegaConf.select(cfg, option)
        with pytest.raises(FileNotFoundError, match=f"train.py experiment={experiment}"):
            locate.trained_weights(node.name)


def test_an_untrained_network_is_said_to_be_one(configs):
    cfg = compose("eval_davis", overrides=["method=mivos", "out=x", *untrained("mivos")]).method
    with pytest.warns(UserWarning, match="mivos-s2m is untrained"):
        instantiate(cfg.interaction)


def test_the_published_values_are_the_defaults(configs):
    settings = compose("method/civos").method.settings
    assert (settings.mem_every, settings.top_k, settings.keep_outdated, settings.empty_rim) == (
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
    cfg = compose("eval_davis", overrides=["method=siaf_r50", "out=x", *untrained("siaf_r50")]).method
    with pytest.warns(UserWarning, match="afi-r50 is untrained"):
        instantiate(cfg.interaction)
    light = compose("method/siaf_light").method.propagation
    assert light.weights == {
        "_target_": "civos_siaf.weights.locate.own_weights",
        "name": "light_identity",
    }
    assert "run" not in compose("method/siaf_light").method.interaction.weights
