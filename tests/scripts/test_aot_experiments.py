"""The trainings of AOT, built as configured and stepped twice on tiny data in the real layouts."""

import pytest
import torch
from hydra.utils import instantiate

from civos_siaf.networks.light_propagation import LightPropagation
from civos_siaf.weights.save import save_weights
from tests.data.layouts import write_coco, write_davis, write_saliency, write_youtubevos
from tests.scripts.experiments import SMALL, check_elsewhere, experiment, first_losses


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    write_davis(root / "davis2017")
    write_youtubevos(root / "youtubevos")
    write_coco(root / "coco")
    for name in ("ecssd", "msra10k", "pascal-s", "voc2012"):
        write_saliency(root / "static" / name)
    return root


COCO = [
    "data.clips.images.sources.0.annotations=${data_root}/coco/instances.json",
    "data.clips.images.sources.0.images=${data_root}/coco/images",
    "data.min_pixels=5",
    "encoder=x",
    "task.network.backbone=null",
]
VIDEO = ["task.network.weights=null", "data.min_pixels=5"]
CASES = [
    pytest.param("aot_t_pre", [*COCO, "data.clips.size=[65,65]"], id="aot_t_pre"),
    pytest.param("aot_r50l_pre", [*COCO, "data.clips.size=[65,65]"], id="r50l_pre"),
    pytest.param("aot_t_ytb_dav", [*VIDEO, "data.augment.size=[65,65]"], id="aot_t_ytb_dav"),
    pytest.param(
        "aot_swinbl_ytb_dav",
        [*VIDEO, "data.augment.size=[64,64]", "data.frames=3"],
        id="swinbl_ytb_dav",
    ),
]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_an_experiment_can_be_trained(name, options, root, tmp_path):
    precision = "trainer.precision=bf16"  # CPUs have no fp16 to scale
    cfg = experiment(name, root, *SMALL, precision, *options, "trainer.steps=3", "trainer.ema_decay=null")
    losses = first_losses(cfg, tmp_path)
    assert len(losses) == 2
    assert all(0 < loss < 50 for loss in losses)


@pytest.mark.parametrize(
    ("name", "options"), [case for case in CASES if case.id in ("aot_t_pre", "swinbl_ytb_dav")]
)
def test_it_can_be_trained_on_another_device(name, options, root, tmp_path):
    cfg = experiment(name, root, *SMALL, *options, "trainer.steps=3", "trainer.ema_decay=null")
    check_elsewhere(cfg, tmp_path)


@pytest.mark.parametrize("network", ["t", "r50l", "swinbl"])
@pytest.mark.parametrize("stage", ["pre", "ytb_dav"])
def test_the_numbers_are_the_published_ones(network, stage, root):
    cfg = experiment(f"aot_{network}_{stage}", root)
    trainer, pre = cfg.trainer, stage == "pre"
    assert (trainer.steps, trainer.batch_size, trainer.lr) == (100_000, 4, 4e-4 if pre else 2e-4)
    schedule, groups = instantiate(trainer.schedule), instantiate(trainer.groups)
    least = 1e-5 if not pre and network != "t" else 2e-5
    assert groups.least_lr == least
    assert trainer.lr * schedule(0) == pytest.approx(least)
    assert schedule(5000) == pytest.approx(1)
    assert groups.weight_decay == (0.03 if pre else 0.07)
    assert cfg.task.mem_every == (9999 if network == "t" else 2)
    assert cfg.task.auxiliary_steps == (10_000 if pre else 100_000)
    assert cfg.task.loss.get("align_corners", True) == (network != "swinbl")
    side = 464 if network == "swinbl" else 465
    assert list(cfg.data.clips.size if pre else cfg.data.augment.size) == [side, side]
    assert cfg.data.merge == (1.0 if pre else 0.3)


def test_the_light_network_begins_with_matching_that_was_learned(root, tmp_path):
    torch.manual_seed(0)
    matching = LightPropagation()
    save_weights(tmp_path / "matching.safetensors", matching.state_dict(), metadata={})
    write_davis(tmp_path / "davis2016", year=2016, resolution="240p")
    options = [
        "task.network.matching=" + str(tmp_path / "matching.safetensors"),
        "data.clips.weights=[0.5,0.5]",
        "data.clips.sources=["
        "{_target_:civos_siaf.data.videos.DavisVideos,root:${data_root}/davis2016,year:2016,resolution:240p},"
        "{_target_:civos_siaf.data.shapes.ShapesClips,size:[64,64],objects:[2,3]}]",
        "data.augment.size=[64,64]",
        "data.min_pixels=5",
        "task.predictions_from=1",
    ]
    cfg = experiment("aot_light", tmp_path, *SMALL, *options, "trainer.steps=3")
    network = instantiate(cfg.task).network
    assert torch.equal(network.key_proj.weight, matching.key_proj.weight)
    assert torch.equal(network.trunk.conv_stem.weight, matching.trunk.conv_stem.weight)
    losses = first_losses(cfg, tmp_path / "run")
    assert all(0 < loss < 5 for loss in losses)
