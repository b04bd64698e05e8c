"""Number of clicks (NoC) of a click network: python scripts/eval_clicks.py datasets.coco.images=DIR ...

Options and their values: configs/eval_clicks.yaml.
"""

from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig
from tqdm import tqdm

from civos_siaf.benchmark.noc import evaluate_clicks
from civos_siaf.benchmark.noc_report import plot, summary, table, write_csv
from civos_siaf.cli.arguments import prepare
from civos_siaf.cli.errors import clear_errors, complete
from civos_siaf.runtime.malloc import keep_freed_memory
from civos_siaf.weights.locate import click_weights


def weights_of(config: DictConfig) -> Path | None:
    """The weight file; None: an untrained network is asked for.

    Raises:
        FileNotFoundError: it is nowhere; says how to get it.
        ValueError: no weights are known for this network.
    """
    if config.weights == "untrained":
        return None
    if config.weights is None:
        raise ValueError("weights=null: give a file, auto (the included or published one) or untrained")
    if config.weights != "auto":
        return Path(config.weights)
    return click_weights(HydraConfig.get().runtime.choices["network"])


def run(config: DictConfig) -> None:
    keep_freed_memory()
    datasets = instantiate(config.datasets)  # before what loads torch
    path = weights_of(config)

    import torch

    from civos_siaf.networks.prepare import fuse_batch_norm
    from civos_siaf.runtime.device import torch_device
    from civos_siaf.weights.click_networks import load_into

    torch.set_num_threads(config.threads)
    torch.manual_seed(0)
    network = instantiate(config.network).eval()
    state = "untrained" if path is None else path.name
    if path is not None:
        load_into(network, path)
    network = (fuse_batch_norm(network) if config.fuse else network).to(memory_format=torch.channels_last)
    network = network.to(torch_device(config.device))
    predictor = instantiate(config.interaction)(network)
    results = {
        name: [
            evaluate_clicks(predictor, sample, target=config.target, max_clicks=config.max_clicks)
            for sample in tqdm(samples, desc=name, disable=None)
        ]
        for name, samples in datasets.items()
    }
    title = f"{type(network).__name__}, {state}"
    folder = Path(config.output)
    write_csv(folder / "ious.csv", results)
    plot(folder / "iou_vs_clicks.png", results, title=title, max_clicks=config.max_clicks)
    print(f"{folder / 'ious.csv'}\n{folder / 'iou_vs_clicks.png'}")
    print(f"{title}, {config.threads} threads")
    rows = [summary(name, group, max_clicks=config.max_clicks) for name, group in results.items()]
    print(table([{**row, "weights": state} for row in rows]))


@hydra.main(version_base="1.3", config_path="../configs", config_name="eval_clicks")
def main(config: DictConfig) -> None:
    with clear_errors():
        run(complete(config))


if __name__ == "__main__":
    prepare(
        __file__,
        inputs=("datasets.*.images", "datasets.*.masks", "datasets.*.annotations"),
        outputs=("output",),
        words={"weights": ("auto", "untrained")},
    )
    with clear_errors():
        main()
