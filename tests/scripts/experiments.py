"""Experiments as `train.py` composes them, and their first steps."""

from itertools import islice

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from civos_siaf.training.distribution import Process
from tests.devices.pretended import pretended
from tests.scripts.conftest import ROOT

SMALL = ("trainer.batch_size=2", "trainer.workers=0", "trainer.every.save=0")


def experiment(name, root, *overrides):
    """The settings of an experiment."""
    with initialize_config_dir(config_dir=str(ROOT / "configs"), version_base="1.3"):
        return compose("train", overrides=[f"experiment={name}", f"data_root={root}", *overrides])


def first_losses(cfg, folder, **more):
    """Losses of the first two steps; a third and last would write a checkpoint, of a gigabyte at times."""
    torch.manual_seed(0)
    parts = instantiate(cfg.task), instantiate(cfg.data)
    trainer = instantiate(cfg.trainer)(*parts, folder=folder, **more)
    return [progress.loss for progress in islice(trainer.run(), 2)]


def check_elsewhere(cfg, folder, **more):
    """The first losses on another device must be those on the CPU."""
    OmegaConf.update(cfg, "trainer.precision", "fp32", force_add=True)
    here = first_losses(cfg, folder / "here", **more)
    with pretended("meta") as device:
        there = first_losses(cfg, folder / "there", process=Process(device=device), **more)
    assert there == pytest.approx(here, rel=1e-4)
