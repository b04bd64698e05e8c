"""The trainings of SIAF's interaction, stepped on tiny data in the real layouts, alone and in stages."""

import shutil
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import OmegaConf
from safetensors.torch import load_file

from civos_siaf.cli import roots, stages
from civos_siaf.data.lvis_images import lvis_images
from civos_siaf.training.seeds import item_rng
from tests.data.layouts import write_coco, write_davis, write_lvis, write_youtubevos
from tests.scripts.conftest import ROOT
from tests.scripts.experiments import SMALL, check_elsewhere, experiment, first_losses
from tests.training.tiny_interaction import TinyInteraction
from tests.waiting import wait_until

TINY = "task.network._target_=tests.training.tiny_interaction.build"
STAGES = {"lvis": (100_000, 2e-4), "ytb": (60_000, 2e-4), "davis": (8_000, 2e-5)}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    write_davis(root / "davis2017")
    write_youtubevos(root / "youtubevos")
    write_lvis(root / "lvis")
    write_coco(root / "coco", size=(120, 160))
    write_coco(root / "bsds500", extra={"segmentation_index": 0}, size=(120, 160))
    (root / "bsds500" / "instances.json").rename(root / "bsds500" / "regions.json")
    write_davis(root / "davis2016", year=2016, resolution="240p", size=(120, 160))
    return root


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


LIGHT_AREA = (f"data.items.clips.sources.2.images.sources.{i}.min_area=50" for i in (0, 1))
CASES = {
    "siaf_r50": ("stage=lvis", "crop=64"),
    "siaf_swinb": ("stage=ytb", "crop=64"),
    "siaf_r50_single": ("stage=davis", "crop=64"),
    "siaf_swinb_single": ("stage=lvis", "crop=64"),
    "siaf_r50_no_afa": ("stage=lvis", "crop=64"),
    "siaf_light": ("data.items.augment.size=[64,64]", "data.items.min_pixels=60", *LIGHT_AREA),
}


def _small(name, root):
    options = (*SMALL, "task.network.backbone=null", *CASES[name], "++trainer.steps=3")
    return experiment(name, root, *options)


@pytest.mark.parametrize("name", CASES)
def test_an_experiment_can_be_trained(name, root, tmp_path):
    losses = first_losses(_small(name, root), tmp_path)
    assert len(losses) == 2
    assert all(0 < loss < 20 for loss in losses)


@pytest.mark.parametrize("name", ["siaf_r50", "siaf_light"])
def test_it_can_be_trained_on_another_device(name, root, tmp_path):
    check_elsewhere(_small(name, root), tmp_path)


@pytest.mark.parametrize(
    ("name", "norm"), [("siaf_r50", "layer1.0.bn1.weight"), ("siaf_swinb", "norms.0.weight")]
)
def test_rates_and_decay_by_parameter(name, norm, root):
    cfg = experiment(name, root, "stage=lvis", "task.network.backbone=null")
    network = instantiate(cfg.task).network
    named = dict(network.named_parameters())
    group = {id(p): g for g in instantiate(cfg.trainer.groups)(network) for p in g["params"]}
    assert set(group) == {id(p) for p in named.values() if p.requires_grad}

    def of(parameter):
        found = group[id(named[parameter])]
        return found["lr_scale"], found.get("weight_decay", cfg.trainer.optimizer.weight_decay)

    assert of("backbone.id_stem.weight") == (1, 0.05)
    assert of("head.logits.weight") == (1, 0.05)
    assert of("head.logits.bias") == (1, 0)
    assert of("across.level") == (1, 0)
    for number in (0, 1):
        assert of(f"across.within.{number}.attention.offsets.weight") == (0.1, 0.05)
        assert of(f"across.within.{number}.attention.value.weight") == (1, 0.05)
    if name == "siaf_swinb":
        assert of(f"backbone.{norm}") == (0.1, 0)
        tables = [n for n in named if "relative_position_bias_table" in n]
        assert {of(table) for table in tables} == {(0.1, 0)}
    else:
        assert of("backbone.layer1.0.conv1.weight") == (0.1, 0.05)
        assert f"backbone.{norm}" not in named


@pytest.mark.parametrize("name", ["siaf_r50", "siaf_swinb"])
def test_the_baseline_without_attention_sorts_its_parameters_as_the_other_does(name, root):
    network = {}
    for kind in ("", "_no_afa"):
        cfg = experiment(f"{name}{kind}", root, "stage=lvis", "task.network.backbone=null")
        built = instantiate(cfg.task).network
        groups = instantiate(cfg.trainer.groups)(built)
        scale = {id(p): (g["lr_scale"], g.get("weight_decay")) for g in groups for p in g["params"]}
        network[kind] = {n: scale[id(p)] for n, p in built.named_parameters() if id(p) in scale}
    gone = network[""].keys() - network["_no_afa"].keys()
    assert gone
    assert all(name.startswith(("across.level", "across.within.", "across.between.")) for name in gone)
    assert network["_no_afa"].items() <= network[""].items()


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_gives_items_of_its_size(stage, root):
    data = instantiate(experiment("siaf_r50", root, f"stage={stage}", "crop=64").data)
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


def whole_stage(root, folder, stage, before):
    """A stage without an end in between, in this process; its weights."""
    options = (TINY, "trainer.groups=null", "crop=32", "++trainer.steps=6", "++trainer.batch_size=1")
    cfg = experiment("siaf_swinb", root, f"stage={stage}", *options, "trainer.workers=0")
    cfg.task.network.weights = before
    torch.manual_seed(cfg.trainer.seed)
    trainer = instantiate(cfg.trainer)(instantiate(cfg.task), instantiate(cfg.data), folder=folder / stage)
    assert len(list(trainer.run())) == 6
    return folder / stage / "weights.safetensors"


def test_three_stages_run_one_after_the_other_and_survive_a_kill(script, root, tmp_path):
    missing = staged(script, root, "parts", "stage=ytb")
    assert missing.returncode == 1
    assert str(Path("parts") / "lvis" / "weights.safetensors") in missing.stderr
    begun = tmp_path / "parts" / "ytb" / "last.pt"
    killed = staged(script, root, "parts", start=True, TINY_HOLD=str(begun))
    wait_until(begun.exists, process=killed, seconds=240)
    killed.kill()
    killed.communicate()
    assert not (tmp_path / "parts" / "davis").exists()
    # What leaves the result as it is may change.
    again = staged(script, root, "parts", "task.network.recompute=true")
    assert again.returncode == 0, again.stderr
    before, results = None, {}
    for stage in STAGES:
        before = whole_stage(root, tmp_path / "whole", stage, before)
        results[stage] = load_file(before)
        other = load_file(tmp_path / "parts" / stage / "weights.safetensors")
        assert all(torch.equal(value, other[name]) for name, value in results[stage].items())
    # A stage begins with the weights of the one before: with so small a rate they are nearly the same.
    begun, fresh = results["davis"]["head.weight"], TinyInteraction().state_dict()["head.weight"]
    assert (begun - results["ytb"]["head.weight"]).abs().max() < 1e-3 < (begun - fresh).abs().max()


@pytest.fixture
def play_stages(root, tmp_path, monkeypatch):
    """Goes through the stages of a command as `train.py` does, without training; their folders."""

    monkeypatch.chdir(tmp_path)

    def play(*options):
        task = ["experiment=siaf_swinb", f"data_root={root}", "folder=parts", *options]
        with initialize_config_dir(config_dir=str(ROOT / "configs"), version_base="1.3"):
            cfg = compose("train", overrides=task, return_hydra_config=True)
            HydraConfig.instance().set_config(cfg)
            played = []
            for part in stages.in_order(cfg):
                folder = Path(part.folder)
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "settings.json").write_text(stages.identity_of(part))
                (folder / "weights.safetensors").write_text(f"{folder.name} {options}")
                played.append(folder.name)
        return played

    yield play
    GlobalHydra.instance().clear()


def test_finished_stages_are_recognised(play_stages, capsys):
    assert play_stages("stage=lvis") == ["lvis"]
    assert play_stages() == ["ytb", "davis"]
    capsys.readouterr()
    assert play_stages("trainer.workers=3") == []
    assert capsys.readouterr().err.count("finished before, left out (parts/") == 3
    with pytest.raises(ValueError, match=r"lvis/weights\.safetensors is finished, .* trainer\.lr: 0\.0002"):
        play_stages("++trainer.lr=0.5")
    assert play_stages("stages=[lvis,davis]") == ["lvis-davis"]
    Path("parts/ytb/weights.safetensors").write_text("another training's")
    with pytest.raises(ValueError, match=r"davis/weights\.safetensors is finished, but .*start\.weights: "):
        play_stages("stage=davis")
    assert play_stages("debug=on", "folder=debugged") == ["lvis", "ytb", "davis"]
    assert play_stages("debug=on", "folder=debugged") == ["lvis", "ytb", "davis"]


def test_an_experiment_without_stages_refuses_one(script, root):
    done = script("train.py", "experiment=stm_light", f"data_root={root}", "stage=ytb")
    assert done.returncode == 1
    assert "has the stages none, not ytb" in done.stderr


def test_costs_need_no_weights_to_begin_with(script, root):
    small = ("stage=davis", "crop=64")
    done = script("training_costs.py", "experiment=siaf_r50", f"data_root={root}", *small)
    assert done.returncode == 0, done.stderr
    assert "trained parameters      44.7 M" in done.stdout


def test_what_will_run_can_be_read(root):
    cfg = experiment("siaf_swinb", root)
    assert (cfg.trainer.steps, cfg.trainer.lr) == STAGES["lvis"]
    assert {name: (own.steps, own.lr) for name, own in cfg.plan.items()} == STAGES
    assert OmegaConf.missing_keys(cfg.trainer) == set()


@pytest.fixture
def wanted(tmp_path, monkeypatch):
    """Looks for what all stages of a command need."""
    monkeypatch.chdir(tmp_path)

    def look(*options):
        task = roots.with_roots(["experiment=siaf_swinb", *map(str, options)])
        with initialize_config_dir(config_dir=str(ROOT / "configs"), version_base="1.3"):
            cfg = compose("train", overrides=task, return_hydra_config=True)
            HydraConfig.instance().set_config(cfg)
            stages.require_all(cfg)

    yield look
    GlobalHydra.instance().clear()


def test_everything_is_looked_for_before_the_first_stage(wanted, root, tmp_path):
    wanted(f"data_root={root}")
    with pytest.raises(FileNotFoundError) as error:
        wanted(f"data_root={root}", "data_root.youtubevos=/no/ytb", "data_root.davis=none")
    assert str(error.value).startswith(
        "not there: data.items.clips.root=/no/ytb (stage ytb); data.items.clips.root=none (stage davis). One"
    )
    with pytest.raises(
        FileNotFoundError, match=r"task\.network\.weights=.*weights\.safetensors \(stage ytb\)"
    ):
        wanted(f"data_root={root}", "stage=ytb")


def test_data_sets_lie_anywhere_and_lvis_finds_the_images_of_coco(wanted, root, tmp_path):
    lvis, coco = tmp_path / "L", tmp_path / "C"
    shutil.copytree(root / "lvis", lvis, ignore=shutil.ignore_patterns("images"))
    parts = {"lvis": lvis, "coco": coco, "davis": root / "davis2017", "youtubevos": root / "youtubevos"}
    options = [f"data_root.{name}={path}" for name, path in parts.items()]
    with pytest.raises(FileNotFoundError, match=r"no images of LVIS at .*L/images, and no train2017"):
        wanted(*options)
    (coco / "train2017").mkdir(parents=True)
    wanted(*options)
    assert lvis_images(lvis, coco) == coco
