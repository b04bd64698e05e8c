"""The trainings of an experiment, one or its stages one after the other, and what a training is known by."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from civos_siaf.training.loop import WEIGHTS

NO_EFFECT = ("workers", "every", "process", "folder", "batch_size", "accumulate", "recompute")
"""Keys of trainer and network that leave the result as it is. The trainer compares the items of a step."""


def settings(cfg: DictConfig) -> dict[str, Any]:
    """What the result depends on, to recognise a training by."""
    whole: Any = OmegaConf.to_container(cfg)
    for part in (whole["trainer"], whole["task"]["network"]):
        for name in NO_EFFECT:
            part.pop(name, None)
    return {name: whole[name] for name in ("task", "data", "trainer")}


def in_order(cfg: DictConfig) -> Iterator[DictConfig]:
    """Settings of each training, to be run before the next is asked for.

    Each stage has a folder of its own below `cfg.folder` and begins with the weights of the one before it;
    one that is finished is left out. With `stage=name` there is that one only.

    Raises:
        ValueError: the experiment has no such stage.
    """
    stages, hydra = list(cfg.stages or []), HydraConfig.get()
    given = hydra.runtime.choices.get("stage")
    if given and given not in stages:
        raise ValueError(f"this experiment has the stages {', '.join(stages) or 'none'}, not {given}")
    if not stages:
        yield cfg
    for number, name in enumerate(stages):
        folder = Path(cfg.folder)
        if given not in (None, name) or (folder / name / WEIGHTS).exists():
            continue
        part = compose("train", overrides=[*hydra.overrides.task, f"stage={name}"])
        part.folder = str(folder / name)
        if number and not (given and part.task.network.weights):
            part.task.network.weights = str(folder / stages[number - 1] / WEIGHTS)
            part.task.network.backbone = None
        yield part
