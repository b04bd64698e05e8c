from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from tests.data.layouts import write_coco, write_davis, write_lvis, write_youtubevos

CONFIGS = Path(__file__).parents[2] / "configs" / "data"


def fill(name, root):
    """The config of a published set with its roots replaced by tiny ones."""
    cfg = OmegaConf.load(CONFIGS / f"{name}.yaml")
    if name == "ritm_cocolvis":
        write_coco(write_lvis(root))
        cfg.min_area = 20
        cfg.images.lvis, cfg.images.coco = str(root / "lvis_v1_train.json"), str(root / "instances.json")
        cfg.images.images = str(root / "images")
    elif name == "siaf_ytb":
        cfg.clips.root = str(write_youtubevos(root))
    elif name == "siaf_davis":
        cfg.clips.root = str(write_davis(root))
    else:
        write_coco(root)
        cfg.clips.images.annotations = str(root / "instances.json")
        cfg.clips.images.images = str(root / "images")
    return cfg


@pytest.mark.parametrize("name", sorted(path.stem for path in CONFIGS.glob("*.yaml")))
def test_every_set_gives_items_that_depend_on_their_generator_only(name, tmp_path):
    data = instantiate(fill(name, tmp_path))
    first = data.item(1, np.random.default_rng(1), step=0)
    data.item(2, np.random.default_rng(2), step=9)
    again = data.item(1, np.random.default_rng(1), step=0)
    other = data.item(1, np.random.default_rng(3), step=0)
    assert first.keys() == again.keys()
    assert all(torch.equal(first[key], again[key]) for key in first)
    picture = "image" if "image" in first else "images"
    assert not torch.equal(first[picture], other[picture])
    assert all(first[key].shape == other[key].shape for key in first)
