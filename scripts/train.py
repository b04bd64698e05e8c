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
from omegaconf import DictConfig

from civos_siaf.cli.errors import clear_errors
from civos_siaf.cli.stages import in_order, require_all
from civos_siaf.cli.training import run
from civos_siaf.runtime.device import tune
from civos_siaf.training.distribution import join


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
