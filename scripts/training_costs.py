"""Memory and time of a training, computed: python scripts/training_costs.py experiment=siaf_r50 stage=lvis

Options are those of train.py, data included, but no weights to begin with. +batches=8 looks at more batches,
where they differ in frames; +size=2 puts two items into each, which batch norms at the end may need.
"""

import sys

import hydra
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch.utils.data import default_collate

from civos_siaf.cli.errors import clear_errors, complete
from civos_siaf.cli.roots import with_roots
from civos_siaf.training.costs import StepCosts, step_costs
from civos_siaf.training.seeds import item_rng

SPEED, GIB = 2e13, 2**30
"""Operations per second that a GPU is assumed to keep up: an assumption, not a measurement."""


def without_weights(cfg: DictConfig) -> DictConfig:
    """The same without the files a network begins with, on which nothing here depends."""
    for name in {"backbone", "clicks", "deeplab", "matching", "weights"}.intersection(cfg.task.network):
        cfg.task.network[name] = None
    return cfg


def run(cfg: DictConfig) -> None:
    task, data, trainer = instantiate(cfg.task), instantiate(cfg.data), cfg.trainer
    found, size = list[StepCosts](), cfg.get("size", 1)
    for step in range(cfg.get("batches", 1)):  # of which the number of frames may depend
        torch.manual_seed(0)
        numbers = range(step * size, (step + 1) * size)
        items = [data.item(number, item_rng(trainer.seed, number), step=step) for number in numbers]
        batch = {**default_collate(items), "index": torch.tensor(numbers)}
        found.append(step_costs(task, batch, step=step, half=trainer.precision != "fp32"))
    largest = max(found, key=lambda costs: costs.activations)
    memory = largest.memory(trainer.batch_size, ema=trainer.ema_decay is not None)
    items = trainer.batch_size * trainer.accumulate
    operations = sum(costs.training(1, items) for costs in found) / len(found)
    rows = {
        "trained parameters": f"{largest.trained / 1e6:.1f} M",
        "activations per item": f"{largest.activations / GIB:.2f} GiB",
        "memory per process": f"{memory / GIB:.1f} GiB for a batch of {trainer.batch_size}",
        "operations per step": f"{operations / 1e12:.2f} T in each process, forward and backward",
        "time": f"{operations * trainer.steps / SPEED / 3600:.1f} h at {SPEED:.0e} a second",
    }
    print("\n".join(f"{name:<24}{value}" for name, value in rows.items()))


@hydra.main(version_base="1.3", config_path="../configs", config_name="train")
def main(cfg: DictConfig) -> None:
    with clear_errors():
        run(complete(without_weights(cfg)))


if __name__ == "__main__":
    with clear_errors():
        sys.argv[1:] = with_roots(sys.argv[1:])
        main()
