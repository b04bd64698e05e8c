"""Number of clicks (NoC) of a click network: python scripts/eval_clicks.py datasets.coco.images=DIR ...

Options and their values: configs/eval_clicks.yaml.
"""

from pathlib import Path

import hydra
import torch
from errors import clear_errors, complete
from hydra.utils import instantiate
from omegaconf import DictConfig
from tqdm import tqdm

from civos_siaf.allocator import keep_freed_memory
from civos_siaf.benchmark.noc import evaluate
from civos_siaf.benchmark.noc_report import plot, summary, table, write_csv
from civos_siaf.devices import torch_device
from civos_siaf.networks.fuse_bn import fuse_batch_norm
from civos_siaf.weights.click_networks import load_into


def run(config: DictConfig) -> None:
    keep_freed_memory()
    torch.set_num_threads(config.threads)
    torch.manual_seed(0)
    datasets = instantiate(config.datasets)
    network = instantiate(config.network).eval()
    state = "untrained"
    if config.weights is not None:
        load_into(network, config.weights)
        state = Path(config.weights).name
    network = (fuse_batch_norm(network) if config.fuse else network).to(memory_format=torch.channels_last)
    network = network.to(torch_device(config.device))
    predictor = instantiate(config.interaction)(network)
    results = {
        name: [
            evaluate(predictor, sample, target=config.target, max_clicks=config.max_clicks)
            for sample in tqdm(samples, desc=name, disable=None)
        ]
        for name, samples in datasets.items()
    }
    title = f"{type(network).__name__}, {state}"
    print(f"{title}, {config.threads} threads")
    print(table([summary(name, group, max_clicks=config.max_clicks) for name, group in results.items()]))
    folder = Path(config.output)
    write_csv(folder / "ious.csv", results)
    plot(folder / "iou_vs_clicks.png", results, title=title, max_clicks=config.max_clicks)
    print(f"{folder / 'ious.csv'}\n{folder / 'iou_vs_clicks.png'}")


@hydra.main(version_base="1.3", config_path="../configs", config_name="eval_clicks")
def main(config: DictConfig) -> None:
    with clear_errors():
        run(complete(config))


if __name__ == "__main__":
    with clear_errors():
        main()
