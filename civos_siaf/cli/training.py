"""One training, from a configuration that is complete."""

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from civos_siaf.cli.errors import complete
from civos_siaf.cli.stages import settings
from civos_siaf.training.distribution import Process


def run(cfg: DictConfig, process: Process) -> None:
    """Train as `configs/train.yaml` and an experiment say; a training that was stopped goes on.

    Raises:
        ValueError: an option is missing or wrong, or the folder holds another training.
    """
    torch.manual_seed(cfg.trainer.seed)
    OmegaConf.resolve(complete(cfg))
    trainer = instantiate(cfg.trainer)(
        instantiate(cfg.task),
        instantiate(cfg.data),
        folder=cfg.folder,
        process=process,
        validation=instantiate(cfg.validation),
        about=settings(cfg),
        fresh=cfg.fresh,
        replan=cfg.replan,
    )
    shown = {"unit": "step", "disable": None if process.is_first else True}
    with tqdm(total=trainer.steps, initial=trainer.step, **shown) as bar:
        for progress in trainer.run():
            bar.update(1)
            bar.set_postfix_str(f"loss {progress.loss:.4f}", refresh=False)
            if progress.validation:
                scores = ", ".join(f"{k} {v:.4f}" for k, v in progress.validation.items())
                bar.write(f"step {progress.step}: {scores}")
    process.wait()
