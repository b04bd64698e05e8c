import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf
from PIL import Image

from civos_siaf.benchmark.noc import ClickSample, evaluate_clicks
from civos_siaf.interaction.brs import FeatureBrs
from civos_siaf.interaction.click_interaction import ClickInteraction
from civos_siaf.interaction.frame_interaction import FrameView
from civos_siaf.interaction.predictor import ClickPredictor
from civos_siaf.interaction.scribble_interaction import ScribbleInteraction
from civos_siaf.networks.click_network import ClickNetwork
from civos_siaf.networks.padding import Padding
from civos_siaf.prompts import Click, Prompts, Scribble
from civos_siaf.speed import clicks
from civos_siaf.weights.click_networks import build

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"


def run(folder: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / script), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two images with a square each, as folder and as annotations."""
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    images, annotations = [], []
    for number in (1, 2):
        pixels = np.full((40, 60, 3), 40 * number, np.uint8)
        mask = np.zeros((40, 60), np.uint8)
        mask[10:30, 10:30] = 255
        Image.fromarray(pixels).save(tmp_path / "images" / f"{number}.jpg")
        Image.fromarray(mask).save(tmp_path / "masks" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.jpg", "height": 40, "width": 60})
        square = [10, 10, 30, 10, 30, 30, 10, 30]
        annotations.append({"id": number, "image_id": number, "segmentation": [square], "area": 400})
    (tmp_path / "a.json").write_text(json.dumps({"images": images, "annotations": annotations}))
    return tmp_path


def test_evaluation_of_two_data_sets(data: Path) -> None:
    done = run(
        data,
        "eval_clicks.py",
        "datasets.coco.images=images",
        "datasets.coco.annotations=a.json",
        "+click_data@datasets.squares=folder",
        "datasets.squares.images=images",
        "datasets.squares.masks=masks",
        "max_clicks=2",
        "threads=1",
        "output=out",
    )
    assert done.returncode == 0, done.stderr
    assert "LightClicks, light_clicks.safetensors, 1 threads" in done.stdout
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[:2] for row in rows if row[0] in ("coco", "squares")] == [["coco", "2"], ["squares", "2"]]
    assert len((data / "out" / "ious.csv").read_text().splitlines()) == 5
    with Image.open(data / "out" / "iou_vs_clicks.png") as image:
        assert image.size[0] > 500
    assert {path.name for path in data.iterdir()} == {"images", "masks", "a.json", "out"}


def test_untrained_only_on_request_and_said_in_the_table(data: Path) -> None:
    coco = ("datasets.coco.images=images", "datasets.coco.annotations=a.json")
    arguments = (*coco, "max_clicks=1", "threads=1")
    done = run(data, "eval_clicks.py", *arguments, "weights=untrained")
    assert done.returncode == 0, done.stderr
    header, row = done.stdout.splitlines()[-2:]
    assert (header.split()[-1], row.split()[-1]) == ("weights", "untrained")
    done = run(data, "eval_clicks.py", *arguments, "network=deeplab_r34")
    assert "network=deeplab_r34 has no published weights" in done.stderr


def test_conversion_and_its_errors(tmp_path: Path) -> None:
    torch.save(build("light-clicks").state_dict(), tmp_path / "light.pth")
    done = run(tmp_path, "convert_weights.py", "light.pth")
    assert done.returncode == 0, done.stderr
    assert "light.safetensors: light-clicks, 7." in done.stdout
    done = run(tmp_path, "convert_weights.py", "light.pth", "x.safetensors", "--architecture", "hrnet32-ocr")
    assert done.returncode == 1
    assert "wrong architecture: this file is for light-clicks, not hrnet32-ocr" in done.stderr
    assert not (tmp_path / "x.safetensors").exists()


def test_the_list_of_downloads_and_an_unknown_name(tmp_path: Path) -> None:
    assert "coco_lvis_h18s_itermask.pth" in run(tmp_path, "download_weights.py").stdout
    done = run(tmp_path, "download_weights.py", "nothing")
    assert done.returncode == 1
    assert "error: no weights called 'nothing'; there are ritm-h18s" in done.stderr


@pytest.fixture(scope="module")
def configs():
    with initialize_config_dir(config_dir=str(CONFIGS), version_base="1.3"):
        yield


NETWORKS = ("deeplab_r34", "hrnet18_ocr", "hrnet18s_ocr", "hrnet32_ocr", "light_clicks")
INTERACTIONS = sorted(path.stem for path in (CONFIGS / "interaction").glob("*.yaml"))


@pytest.mark.parametrize("name", NETWORKS)
def test_network_configs(configs, name: str) -> None:
    network = instantiate(compose(f"network/{name}").network)
    assert isinstance(network, ClickNetwork)


def check_interaction(name: str, interaction: ClickInteraction | ScribbleInteraction) -> None:
    kind, prompt = {
        "objects_light": (ClickInteraction, Click(0, 1, 20, 20)),
        "strokes_light": (ScribbleInteraction, Scribble(0, 1, [(12, 12), (28, 28)])),
    }[name]
    assert isinstance(interaction, kind)
    assert interaction.accepts == (type(prompt),)
    padding = Padding.to_multiple(40, 60, 16)
    view = FrameView(
        index=0,
        rgb=np.full((40, 60, 3), 90, np.uint8),
        image=torch.zeros(1, 3, *padding.size),
        padding=padding,
        prob=torch.zeros(3, *padding.size),
        labels=np.zeros(padding.size, np.uint8),
    )
    masks = interaction.predict(view, [Prompts((prompt,))])
    assert tuple(masks.shape) in ((3, 40, 60), (3, *padding.size))
    assert masks.isfinite().all()
    if name == "strokes_light":
        assert not interaction.scale_to_padded


@pytest.mark.parametrize("name", INTERACTIONS)
def test_interaction_configs(configs, name: str) -> None:
    config = compose(f"interaction/{name}").interaction
    if not config.get("_partial_"):  # a whole interaction with its own network
        check_interaction(name, instantiate(config))
        return
    predictor = instantiate(config)(build("light-clicks").eval())
    assert isinstance(predictor, ClickPredictor)
    truth = np.zeros((40, 60), np.int8)
    truth[10:30, 10:30] = 1
    sample = ClickSample("a", np.full((40, 60, 3), 90, np.uint8), truth)
    assert len(evaluate_clicks(predictor, sample, target=2, max_clicks=2).ious) == 2  # as eval_clicks.py does
    if name == "clicks_fbrs":
        assert isinstance(predictor.refinement, FeatureBrs)
    if name == "clicks":
        assert predictor.zoom.target_size == 400


def test_the_evaluation_config(configs, data: Path) -> None:
    overrides = [f"datasets.coco.images={data}/images", f"datasets.coco.annotations={data}/a.json"]
    config = compose("eval_clicks", overrides=overrides)
    assert OmegaConf.missing_keys(config) == set()
    assert len(instantiate(config.datasets)["coco"]) == 2


def test_a_small_timing() -> None:
    rows = list(clicks.run(height=33, width=40, repeats=1, networks=("light-clicks",), keep=False, threads=1))
    assert [row["what"] for row in rows][:2] == ["light-clicks plain", "light-clicks fused"]
    assert len(rows) == 6
    assert all(row["seconds"] > 0 for row in rows)
