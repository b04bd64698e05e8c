"""Train a network: python scripts/train.py experiment=ritm_light

Several GPUs: torchrun --nproc-per-node=8 scripts/train.py experiment=... A stopped training goes on where its
last checkpoint was made. Options and their values: configs/train.yaml and configs/experiment/.
"""

import sys

from civos_siaf.cli.arguments import prepare
from civos_siaf.cli.roots import with_roots

if __name__ == "__main__":  # before what loads torch, so that mistakes are told at once
    sys.argv[1:] = with_roots(sys.argv[1:])
    prepare(__file__, inputs=("data_root", "data.*root", "data.*images"), outputs=("folder",))


import hydra
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from civos_siaf.cli.errors import clear_errors, complete
from civos_siaf.cli.stages import in_order, require_all, settings
from civos_siaf.runtime.device import tune
from civos_siaf.training.distribution import Process, join


def run(cfg: DictConfig, process: Process) -> None:
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


@hydra.main(version_base="1.3", config_path="../configs", config_name="train")
def main(cfg: DictConfig) -> None:
    torch.set_num_threads(cfg.threads or torch.get_num_threads())
    with clear_errors(), join(cfg.device) as process:
        require_all(cfg)
        tune(process.device, tf32=cfg.tf32)
        for part in in_order(cfg):
            run(part, process)


if __name__ == "__main__":
    with clear_errors():
        main()
