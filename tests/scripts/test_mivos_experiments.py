"""The trainings of MiVOS, built as configured and stepped twice on tiny data in the real layouts."""

from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from civos_siaf.data.videos import DavisVideos
from civos_siaf.networks.light_propagation import LightPropagation
from civos_siaf.training.fusion_outputs import FusionOutputs
from tests.data.layouts import write_bl30k, write_davis, write_lvis, write_saliency, write_youtubevos
from tests.scripts.experiments import SMALL, check_elsewhere, experiment, first_losses

CONFIGS = Path(__file__).parents[2] / "configs"
STATIC = ("fss", "DUTS-TR", "DUTS-TE", "ecssd", "BIG_small", "HRSOD_small")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    write_davis(root / "davis2017")
    write_youtubevos(root / "youtubevos")
    write_bl30k(root / "BL30K")
    write_lvis(root / "lvis")
    for name in STATIC:
        write_saliency(root / "static" / name)
    torch.manual_seed(0)
    outputs, videos = FusionOutputs(separation=4), DavisVideos(root / "davis2017")
    for run in ("davis_10", "davis_20", "davis_30"):
        list(outputs.write(LightPropagation().eval(), videos, root / "fusion" / run, {}))
    return root


START, CLIP = "task.network.weights=null", "data.augment.size=[64,64]"
CASES = [
    pytest.param("mivos_stage1", [START, CLIP, "data.min_pixels=5"], id="stage1"),
    pytest.param("mivos_stage2", [START, CLIP], id="stage2"),
    pytest.param("mivos_fusion", ["task.propagation.weights=null", "data.size=48"], id="fusion"),
    pytest.param(
        "mivos_stage0",
        ["task.network.backbone=null", "data.clips.size=[64,64]"],
        id="stage0",
    ),
    pytest.param(
        "mivos_s2m",
        [
            "task.network.backbone=null",
            *(f"data.items.{i}.{side}=64" for i in (0, 1) for side in ("size", "short_side")),
            "data.items.1.min_area=50",
            "data.items.1.images.min_area=50",
        ],
        id="s2m",
    ),
]


@pytest.mark.filterwarnings("ignore:.*untrained")
@pytest.mark.parametrize(("name", "options"), CASES)
def test_an_experiment_can_be_trained(name, options, root, tmp_path):
    cfg = experiment(name, root, *SMALL, *options, "trainer.steps=3")
    losses = first_losses(cfg, tmp_path)
    assert len(losses) == 2
    assert all(0 < loss < 50 for loss in losses)


@pytest.mark.filterwarnings("ignore:.*untrained")
@pytest.mark.parametrize(
    ("name", "options"), [case for case in CASES if case.id in ("stage2", "fusion", "s2m")]
)
def test_it_can_be_trained_on_another_device(name, options, root, tmp_path):
    check_elsewhere(experiment(name, root, *SMALL, *options, "trainer.steps=3"), tmp_path)


@pytest.mark.parametrize(
    ("name", "steps", "batch", "lr", "drop"),
    [
        ("mivos_stage0", 300_000, 7, 1e-5, 250_000),
        ("mivos_stage1", 500_000, 4, 1e-5, 450_000),
        ("mivos_stage2", 150_000, 4, 1e-5, 125_000),
        ("mivos_fusion", 10_000, 12, 1e-4, 7_500),
        ("mivos_s2m", 80_000, 16, 1e-4, None),
    ],
)
def test_the_numbers_are_the_published_ones(name, steps, batch, lr, drop, root):
    trainer = experiment(name, root).trainer
    assert (trainer.steps, trainer.batch_size, trainer.lr) == (steps, batch, lr)
    assert trainer.optimizer._target_ == "torch.optim.Adam"
    assert trainer.optimizer.weight_decay == 1e-7
    if drop is not None:
        schedule = instantiate(trainer.schedule)
        assert [schedule(step) for step in (0, drop - 1)] == [1, 1]
        assert schedule(drop) == pytest.approx(0.1)


def test_hard_pixels_follow_the_length_of_the_fusion_training(root):
    cfg = experiment("mivos_fusion", root, "trainer.steps=30000")
    loss = instantiate(cfg.task.loss)
    assert (loss.start, loss.end) == (6_000, 15_000)


def test_runs_for_fusion_are_made_as_configured(root, tmp_path):
    davis = f"videos.root={root / 'davis2017'}"
    with initialize_config_dir(config_dir=str(CONFIGS), version_base="1.3"):
        cfg = compose("make_fusion_data", overrides=[f"out={tmp_path}", davis, "network.weights=x"])
    outputs = instantiate(cfg.outputs)
    assert (outputs.separation, outputs.reach, outputs.min_area, outputs.max_objects) == (5, None, 100, 5)
    assert outputs.settings.mem_every == 10
    assert instantiate(cfg.videos).names == ["bear", "bus"]
