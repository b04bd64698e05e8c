from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture(scope="module")
def configs():
    with initialize_config_dir(config_dir=str(CONFIGS), version_base="1.3"):
        yield


def test_the_defaults_are_the_published_protocol(configs):
    cfg = compose("eval_davis", overrides=["out=x", "dataset=davis"])
    rules = instantiate(cfg.rules)
    assert (rules.max_rounds, rules.time_limit.seconds_per_object) == (8, 240)
    assert (rules.robot.kernel_size, rules.metric, rules.frames_per_round) == (0.2, "J_AND_F", 1)
    strategy = instantiate(cfg.clicks)
    assert (type(strategy).__name__, strategy.max_clicks) == ("F3", 3)
    assert instantiate(compose("eval_davis", overrides=["out=x", "click_strategy=none"]).clicks) is None
    assert instantiate(cfg.dataset).is_embedded


def test_options_reach_the_constructors(configs):
    options = ["click_strategy=f3", "max_clicks=5", "frames_per_round=3", "rules.time_limit=null", "out=x"]
    cfg = compose("eval_davis", overrides=options)
    assert instantiate(cfg.clicks).max_clicks == 5
    rules = instantiate(cfg.rules)
    assert (rules.frames_per_round, rules.time_limit) == (3, None)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("clock/*.yaml")), ids=lambda p: p.stem)
def test_every_clock(configs, path):
    assert instantiate(compose(f"clock/{path.stem}").clock).now() >= 0


def test_the_toy(configs):
    assert instantiate(compose("method/nearest_colour").method).reach == 50
