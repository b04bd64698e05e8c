"""Spread true masks for the training of fusion: python scripts/make_fusion_data.py out=DIR videos.root=...

A stopped run goes on where it was. Options and their values: configs/make_fusion_data.yaml.
"""

from civos_siaf.cli.arguments import prepare

if __name__ == "__main__":  # before what loads torch, so that mistakes are told at once
    prepare(__file__, inputs=("videos.root",), outputs=("out",))


from pathlib import Path

import hydra
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from civos_siaf.cli.errors import clear_errors, complete


def run(cfg: DictConfig) -> None:
    plain = OmegaConf.to_container(cfg, resolve=True)
    assert isinstance(plain, dict)
    about = {str(key): plain[key] for key in ("videos", "network", "outputs")}
    if cfg.threads is not None:
        torch.set_num_threads(cfg.threads)
    outputs = instantiate(cfg.outputs)
    steps = outputs.write(instantiate(cfg.network), instantiate(cfg.videos), Path(cfg.out), about)
    with tqdm(unit="reference", disable=None) as bar:
        for done in steps:
            bar.total = done.total
            bar.set_description(f"{done.video} {done.reference}", refresh=False)
            bar.update(done.number - bar.n)


@hydra.main(version_base="1.3", config_path="../configs", config_name="make_fusion_data")
def main(cfg: DictConfig) -> None:
    with clear_errors():
        run(complete(cfg))


if __name__ == "__main__":
    with clear_errors():
        main()
