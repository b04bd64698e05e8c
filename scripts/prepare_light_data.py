"""Make the data of the light trainings: python scripts/prepare_light_data.py out=DIR davis=DIR coco=DIR ...

Sets that are not given are left out; a stopped run goes on where it was. Options and their values:
configs/prepare_light_data.yaml.
"""

import sys
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig
from tqdm import tqdm

from civos_siaf.cli.arguments import prepare
from civos_siaf.cli.errors import clear_errors, complete
from civos_siaf.data.light_sets import PAGES, LightSets, Step

ROOTS = ("davis", "bsds500", "grabcut", "clothing", "cars", "weights")


def sets_of(cfg: DictConfig) -> LightSets:
    coco = cfg.coco or []
    roots: dict[str, Any] = {name: Path(cfg[name]) if cfg[name] else None for name in ROOTS}
    return LightSets(
        out=Path(cfg.out),
        coco=[Path(root) for root in ([coco] if isinstance(coco, str) else coco)],
        limit=cfg.limit,
        longer_side=cfg.longer_side,
        quality=cfg.quality,
        **roots,
    )


def run(cfg: DictConfig) -> None:
    sets = sets_of(cfg)
    last: dict[str, Step] = {}
    with tqdm(unit="picture", disable=None) as bar:
        for step in sets.write():
            if step.name not in last:
                bar.reset(total=step.total)
                bar.set_description(step.name)
            bar.update(step.done - bar.n)
            last[step.name] = step
    for step in last.values():
        what = "videos" if step.name == "davis2016" else "pictures looked at"
        print(f"{sets.out / step.name}: " + ("made before" if step.there else f"{step.total} {what}"))
    for name in sets.missing:
        print(f"left out, not given: {name}=...  {PAGES[name]}")
    if sets.weights is None:
        print("no start weights: train with task.network.backbone=imagenet, or give weights=FILE")


@hydra.main(version_base="1.3", config_path="../configs", config_name="prepare_light_data")
def main(cfg: DictConfig) -> None:
    with clear_errors():
        run(complete(cfg))


if __name__ == "__main__":
    several = any(text.startswith("coco=[") for text in sys.argv[1:])
    prepare(__file__, outputs=("out", *ROOTS, *(() if several else ("coco",))))
    with clear_errors():
        main()
