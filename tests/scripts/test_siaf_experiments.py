"""The trainings of SIAF's interaction, stepped on tiny data in the real layouts, alone and in stages."""

import time
from itertools import islice
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from safetensors.torch import load_file

from tests.data.layouts import write_coco, write_davis, write_lvis, write_youtubevos
from tests.training.tiny_interaction import TinyInteraction

CONFIGS = Path(__file__).parents[2] / "configs"
SMALL = ("trainer.batch_size=2", "trainer.workers=0", "trainer.every.save=0")
TINY = "task.network._target_=tests.training.tiny_interaction.build"
STAGES = {"lvis": (100_000, 2e-4), "ytb": (60_000, 2e-4), "davis": (8_000, 2e-5)}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    write_davis(root / "davis2017")
    write_youtubevos(root / "youtubevos")
    write_lvis(root / "lvis")
    write_coco(root / "coco128", size=(120, 160))
    (root / "coco128" / "instances.json").rename(root / "coco128" / "lvis_v1_train.json")
    write_coco(root / "bsds500", extra={"segmentation_index": 0}, size=(120, 160))
    (root / "bsds500" / "instances.json").rename(root / "bsds500" / "regions.json")
    write_davis(root / "davis2016", year=2016, resolution="240p", size=(120, 160))
    return root


def experiment(name, root, *overrides):
    with initialize_config_dir(config_dir=str(CONFIGS), version_base="1.3"):
        return compose("train", overrides=[f"experiment={name}", f"data_root={root}", *overrides])


def steps(cfg, folder):
    """Losses of the first two of three steps."""
    torch.manual_seed(0)
    trainer = instantiate(cfg.trainer)(instantiate(cfg.task), instantiate(cfg.data), folder=folder)
    return [progress.loss for progress in islice(trainer.run(), 2)]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", ["siaf_r50", "siaf_swinb"])
def test_the_numbers_are_those_of_paper_and_specification(name, stage, root):
    cfg = experiment(name, root, f"stage={stage}")
    trainer = cfg.trainer
    assert (trainer.steps, trainer.lr) == STAGES[stage]
    assert (trainer.batch_size, trainer.clip_norm, trainer.ema_decay) == (4, 5, 0.9999)
    assert (trainer.optimizer._target_, trainer.optimizer.weight_decay) == ("torch.optim.AdamW", 0.05)
    schedule = instantiate(trainer.schedule)
    assert schedule(500) == pytest.approx(0.5)
    assert schedule(1000) == 1
    middle = 1000 + (trainer.steps - 1000 + 1) // 2
    assert schedule(middle) == pytest.approx(0.5**0.9, rel=1e-3)
    loss = instantiate(cfg.task.loss)
    assert loss.num_pixels(0, 1000) == 1000
    assert loss.num_pixels(trainer.steps // 2, 1000) == 150
    data = instantiate(cfg.data)
    assert (data.steps, data.empty, data.on_policy, data.on_policy_from) == (trainer.steps, 0.3, 0.5, 0.2)
    assert data.items.merge == (1.0 if stage == "lvis" else 0.5)
    assert {data.items.frames(step) for step in range(30)} == {1, 2, 3}
    single = instantiate(experiment(f"{name}_single", root, f"stage={stage}").data)
    assert {single.items.frames(step) for step in range(30)} == {1}


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_gives_items_of_its_size(stage, root):
    data = instantiate(experiment("siaf_r50", root, f"stage={stage}", "crop=64").data)
    from civos_siaf.training.seeds import item_rng

    item = data.item(0, item_rng(0, 0), step=0)
    assert item["images"].shape[-2:] == (64, 64)


def staged(script, root, folder, *options, **others):
    return script(
        "train.py",
        "experiment=siaf_swinb",
        f"data_root={root}",
        f"folder={folder}",
        TINY,
        "trainer.groups=null",
        "crop=32",
        "++trainer.steps=6",
        "trainer.batch_size=1",
        "trainer.workers=0",
        "trainer.every.save=1",
        "threads=1",
        *options,
        **others,
    )


def test_three_stages_run_one_after_the_other_and_survive_a_kill(script, root, tmp_path):
    done = staged(script, root, "whole")
    assert done.returncode == 0, done.stderr
    killed = staged(script, root, "parts", start=True)
    deadline = time.monotonic() + 120
    while not (tmp_path / "parts" / "ytb" / "last.pt").exists():
        assert time.monotonic() < deadline
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.02)
    killed.kill()
    killed.communicate()
    assert not (tmp_path / "parts" / "davis").exists()
    again = staged(script, root, "parts")
    assert again.returncode == 0, again.stderr
    whole, parts = (tmp_path / name for name in ("whole", "parts"))
    results = {}
    for stage in STAGES:
        results[stage] = load_file(whole / stage / "weights.safetensors")
        other = load_file(parts / stage / "weights.safetensors")
        assert all(torch.equal(value, other[name]) for name, value in results[stage].items())
    # A stage begins with the weights of the one before: with so small a rate they are nearly the same.
    begun, fresh = results["davis"]["head.weight"], TinyInteraction().state_dict()["head.weight"]
    assert (begun - results["ytb"]["head.weight"]).abs().max() < 1e-3 < (begun - fresh).abs().max()


def test_one_stage_alone_needs_the_one_before(script, root, tmp_path):
    done = staged(script, root, "run", "stage=ytb")
    assert done.returncode == 1
    assert str(Path("run") / "lvis" / "weights.safetensors") in done.stderr
    first = staged(script, root, "run", "stage=lvis")
    assert first.returncode == 0, first.stderr
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["lvis"]


def test_an_experiment_without_stages_refuses_one(script, root):
    done = script("train.py", "experiment=stm_light", f"data_root={root}", "stage=ytb")
    assert done.returncode == 1
    assert "has the stages none, not ytb" in done.stderr
