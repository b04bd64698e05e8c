"""The trainings of an experiment, one or its stages one after the other, and what a training is known by."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from civos_siaf.cli.errors import complete
from civos_siaf.training.checkpoint import finished_identity, identity_text, same_training
from civos_siaf.training.loader import BatchPlan
from civos_siaf.training.loop import WEIGHTS
from civos_siaf.training.needs import check
from civos_siaf.weights.download import sha256

NO_EFFECT = (
    "workers",
    "every",
    "process",
    "folder",
    "batch_size",
    "accumulate",
    "recompute",
    "fresh",
    "compile",
)
"""Keys of trainer and network that leave the result as it is. The trainer compares the items of a step."""


def settings(cfg: DictConfig) -> dict[str, Any]:
    """What the result depends on, to recognise a training by; `start`: hashes of files it begins with."""
    whole: Any = OmegaConf.to_container(cfg)
    start = {name: sha256(path) for name, path in _files(whole["task"]["network"]).items()}
    for part in (whole["trainer"], whole["task"]["network"]):
        for name in NO_EFFECT:
            part.pop(name, None)
    known = {name: whole[name] for name in ("task", "data", "trainer")}
    return {**known, "start": start, **({"fresh": True} if cfg.fresh else {})}


def in_order(cfg: DictConfig) -> Iterator[DictConfig]:
    """Settings of each training, to be run before the next is asked for.

    Each stage has a folder of its own below `cfg.folder` and begins with the weights of the one before it;
    one that is finished is left out, which is said. With `stage=name` there is that one only. A stage after
    others than in the experiment's own order has the names of all of them in its folder, as `lvis-davis`.

    Raises:
        ValueError: the experiment has no such stage; or one is finished, but with other settings or other
            weights to begin with.
    """
    if not cfg.stages:
        yield _alone(cfg)
        return
    for name, part in _stages(cfg):
        weights = Path(part.folder) / WEIGHTS
        if weights.exists() and not cfg.fresh and not _planned_anew(part, weights, replan=cfg.replan):
            if int(os.environ.get("RANK", 0)) == 0:
                print(f"stage {name}: finished before, left out ({weights})", file=sys.stderr)
            continue
        yield part


def require_all(cfg: DictConfig) -> None:
    """Look for the data and weights of all stages that are to be trained.

    Raises:
        FileNotFoundError: lists all that is missing.
        ValueError: the experiment has no such stage, or options are to be given.
    """
    parts = dict(_stages(cfg)) if cfg.stages else {"": _alone(cfg)}
    made = {name: Path(part.folder) / WEIGHTS for name, part in parts.items()}
    wanted = {}
    for name, part in parts.items():
        if made[name].exists() and not cfg.fresh and cfg.stages:
            continue
        whole = complete(part).copy()
        OmegaConf.resolve(whole)
        container: Any = OmegaConf.to_container(whole)
        wanted[name] = {key: container[key] for key in ("task", "data", "validation")}
    check(wanted, made=made)


def _alone(cfg: DictConfig) -> DictConfig:
    """The settings of an experiment without stages, of which none may be asked for."""
    if given := HydraConfig.get().runtime.choices.get("stage"):
        raise ValueError(f"this experiment has the stages none, not {given}")
    return cfg


def _stages(cfg: DictConfig) -> Iterator[tuple[str, DictConfig]]:
    """Settings of the stages that are asked for, finished or not, by name."""
    stages, hydra = list(cfg.stages), HydraConfig.get()
    given = hydra.runtime.choices.get("stage")
    if given and given not in stages:
        raise ValueError(f"this experiment has the stages {', '.join(stages)}, not {given}")
    own = _own_stages(hydra.overrides.task)
    before: Path | None = None
    for number, name in enumerate(stages):
        folder = Path(cfg.folder) / _folder(stages[: number + 1], own)
        start, before = before, folder / WEIGHTS
        if given not in (None, name):
            continue
        part = compose("train", overrides=[*hydra.overrides.task, f"stage={name}"])
        part.folder = str(folder)
        if start is not None and not (given and part.task.network.weights):
            part.task.network.weights = str(start)
            part.task.network.backbone = None
        yield name, part


def _own_stages(task: list[str]) -> list[str]:
    """The stages of the experiment as its file has them."""
    return list(compose("train", overrides=[o for o in task if not o.startswith("stages=")]).stages or [])


def _folder(chain: list[str], own: list[str]) -> str:
    return chain[-1] if chain == own[: len(chain)] else "-".join(chain)


def _planned_anew(part: DictConfig, weights: Path, *, replan: bool) -> bool:
    """Whether a finished stage is to go on with a new plan; refuse one that was trained otherwise."""
    identity = finished_identity(weights.parent)
    if identity is None:
        return False  # weights that somebody put here
    made = f"{weights} is finished, but"
    return bool(same_training(identity, identity_of(part), made=made, replan=replan))


def identity_of(part: DictConfig) -> str:
    """What the trainer will know a training by."""
    whole = part.copy()
    OmegaConf.resolve(whole)
    plan = BatchPlan(
        batch_size=whole.trainer.batch_size,
        accumulate=whole.trainer.accumulate,
        world_size=int(os.environ.get("WORLD_SIZE", 1)),
    )
    return identity_text({**settings(whole), "items_per_step": plan.items_per_step})


def _files(network: dict[str, Any]) -> dict[str, Path]:
    paths = {name: Path(value) for name, value in network.items() if isinstance(value, str)}
    return {name: path for name, path in paths.items() if path.is_file()}
