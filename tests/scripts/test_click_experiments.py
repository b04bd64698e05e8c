"""The trainings of click and light networks, stepped on tiny data in the real layouts."""

import shutil

import pytest
import timm
import torch
from hydra.utils import instantiate
from safetensors.torch import save_file

from civos_siaf.networks.light_clicks import LightClicks
from civos_siaf.networks.ritm import Ritm
from civos_siaf.weights.click_networks import load_click_network
from civos_siaf.weights.start import init_ritm
from tests.data.layouts import write_coco, write_davis, write_lvis
from tests.scripts import experiments
from tests.scripts.conftest import ROOT
from tests.scripts.experiments import check_elsewhere, experiment, first_losses


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    lvis = write_lvis(root / "lvis")
    coco = write_coco(root / "coco")
    (coco / "annotations").mkdir()
    shutil.copy(coco / "instances.json", coco / "annotations" / "instances_train2017.json")
    (lvis / "images" / "train2017").rename(coco / "train2017")
    # The light recipes' sources.
    for name in ("people", "cars"):
        write_coco(root / name, size=(120, 160))
    write_coco(root / "bsds500", extra={"segmentation_index": 0}, size=(120, 160))
    (root / "bsds500" / "instances.json").rename(root / "bsds500" / "regions.json")
    for split in ("train", "val_dev"):
        write_davis(root / "davis2016", year=2016, resolution="240p", split=split, size=(120, 160))
    return root


SMALL = (*experiments.SMALL, "trainer.every.validate=0")
CROP = ("data.augment.size=[64,64]", "data.min_area=20")
NO_START = "task.network.backbone=null"
LIGHT_SIZE = ("data.items.augment.size=[64,64]", "data.items.min_area=20")
IMAGE_AREA = tuple(f"data.items.images.images.sources.{i}.min_area=50" for i in (0, 1))
S2M_AREA = tuple(f"data.images.sources.{i}.min_area=50" for i in (0, 1))
CLIPS = "data.items.clips.sources"
CLIP_AREA = tuple(f"{CLIPS}.2.images.images.sources.{i}.min_area=50" for i in (0, 1))


CASES = {
    "ritm_hrnet18s_cocolvis": (NO_START, *CROP),
    "ritm_hrnet32_cocolvis": (NO_START, *CROP),
    "ritm_light": (NO_START, *LIGHT_SIZE, *IMAGE_AREA),
    "s2m_light": ("data.size=64", "data.short_side=64", "data.min_area=20", *S2M_AREA),
    "stm_light": (NO_START, "data.items.augment.size=[64,64]", *CLIP_AREA, f"{CLIPS}.3.size=[64,64]"),
}


@pytest.mark.parametrize("name", CASES)
def test_an_experiment_can_be_trained(name, root, tmp_path):
    cfg = experiment(name, root, *SMALL, *CASES[name], "trainer.steps=3")
    losses = first_losses(cfg, tmp_path, validation=instantiate(cfg.get("validation")))
    assert len(losses) == 2
    assert all(0 < loss < 20 for loss in losses)


@pytest.mark.parametrize("name", ["ritm_hrnet18s_cocolvis", "ritm_light", "s2m_light", "stm_light"])
def test_it_can_be_trained_on_another_device(name, root, tmp_path):
    check_elsewhere(experiment(name, root, *SMALL, *CASES[name], "trainer.steps=3"), tmp_path)


@pytest.mark.parametrize(("name", "batch"), [("ritm_hrnet18s_cocolvis", 32), ("ritm_hrnet32_cocolvis", 8)])
def test_the_numbers_are_the_published_ones(name, batch, root):
    trainer = experiment(name, root).trainer
    assert (trainer.batch_size, trainer.lr, trainer.optimizer._target_) == (batch, 5e-4, "torch.optim.Adam")
    epoch = 30_000 // 32
    assert trainer.steps == 230 * epoch
    schedule = instantiate(trainer.schedule)
    rates = [schedule(epoch * number) for number in (199, 200, 219, 220)]
    assert rates == pytest.approx([1, 0.1, 0.1, 0.01])
    cfg = experiment(name, root, NO_START)
    network = instantiate(cfg.task).network
    scale = {
        id(p): group["lr_scale"] for group in instantiate(trainer.groups)(network) for p in group["params"]
    }
    extractor = network.feature_extractor
    assert scale[id(extractor.stage4[0].branches[0][0].conv1.weight)] == 0.1
    assert scale[id(extractor.cls_head.weight)] == 0.1
    assert scale[id(extractor.conv3x3_ocr[0].weight)] == 1
    assert scale[id(extractor.ocr_distri_head.conv_bn_dropout[0].weight)] == 1
    assert all(scale[id(p)] == 1 for p in network.maps_transform.parameters())


def test_debug_makes_any_experiment_small(root):
    cfg = experiment("ritm_hrnet18s_cocolvis", root, "debug=on")
    assert (cfg.trainer.steps, cfg.trainer.batch_size, cfg.trainer.workers) == (4, 2, 0)


@pytest.mark.parametrize(
    ("width", "small", "name"),
    [(18, True, "hrnet_w18_small_v2"), (18, False, "hrnet_w18"), (32, False, "hrnet_w32")],
)
def test_a_classifier_fills_the_backbone(width, small, name, tmp_path):
    classifier = timm.create_model(name, pretrained=False).state_dict()
    save_file(classifier, tmp_path / "hrnet.safetensors")
    network = Ritm(width=width, ocr_width=16, small=small)
    init_ritm(network, tmp_path / "hrnet.safetensors")
    own = network.feature_extractor.state_dict()
    assert torch.equal(
        own["stage4.1.fuse_layers.3.0.2.0.weight"], classifier["stage4.1.fuse_layers.3.0.2.0.weight"]
    )
    head = network.feature_extractor.conv3x3_ocr[0]
    expected = (2 / ((head.weight[0].numel() + head.weight[:, 0].numel()) / 2)) ** 0.5
    assert float(head.weight.detach().std()) == pytest.approx(expected, rel=0.05)
    assert not head.bias.any()
    del classifier["layer1.0.conv1.weight"]
    save_file(classifier, tmp_path / "hrnet.safetensors")
    with pytest.raises(ValueError, match=r"no weights of the right shape for layer1\.0\.conv1\.weight"):
        init_ritm(network, tmp_path / "hrnet.safetensors")


def test_train_validates_exports_and_resumes(script, root, tmp_path):
    options = (
        "experiment=ritm_light",
        f"data_root={root}",
        "folder=run",
        NO_START,
        *LIGHT_SIZE,
        *IMAGE_AREA,
        "trainer.batch_size=2",
        "trainer.workers=0",
        "trainer.every.validate=2",
        "trainer.every.save=2",
        "validation.samples.every=4",
        "validation.clicks=2",
        "threads=1",
    )
    done = script("train.py", *options, "trainer.steps=2")
    assert done.returncode == 0, done.stderr
    assert "step 2: iou_1 0." in done.stderr + done.stdout
    network = load_click_network(tmp_path / "run" / "weights.safetensors")
    assert isinstance(network, LightClicks)
    assert (tmp_path / "run" / "best.safetensors").exists()
    changed = script("train.py", *options, "trainer.steps=2", "trainer.lr=1")
    assert changed.returncode == 1
    assert "trainer.lr: 0.0005, now 1" in changed.stderr
    again = script("train.py", *options, "trainer.steps=2", "trainer.batch_size=1", "trainer.accumulate=2")
    assert again.returncode == 0, again.stderr


def test_missing_data_is_named(script, tmp_path):
    done = script("train.py", "experiment=ritm_light", f"data_root={tmp_path / 'nowhere'}", NO_START)
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_processes_train_together(script, root, tmp_path):
    options = (
        "experiment=ritm_light",
        f"data_root={root}",
        "folder=run",
        NO_START,
        *LIGHT_SIZE,
        *IMAGE_AREA,
        "debug=on",
        "device=cpu",
        "threads=1",
    )
    arguments = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    done = script(*arguments, ROOT / "scripts" / "train.py", *options)
    assert done.returncode == 0, done.stderr
    assert isinstance(load_click_network(tmp_path / "run" / "weights.safetensors"), LightClicks)
