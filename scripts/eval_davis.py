"""Evaluate a method on DAVIS: python scripts/eval_davis.py click_strategy=f3 method=... dataset.root=..."""

import os
import sys
from pathlib import Path

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from civos_siaf.benchmark import ContactSheets, Evaluation, Shard
from civos_siaf.cli.arguments import prepare
from civos_siaf.cli.device import choose, warms_up
from civos_siaf.cli.errors import clear_errors, complete


def shard_of(text: str) -> Shard:
    if text != "auto":
        return Shard.parse(text)
    return Shard(int(os.environ.get("RANK", 0)) + 1, int(os.environ.get("WORLD_SIZE", 1)))


def run(cfg: DictConfig) -> None:
    dataset = instantiate(cfg.dataset)  # before what loads torch
    rules, clicks, clock = (instantiate(part) for part in (cfg.rules, cfg.clicks, cfg.clock))
    shard = shard_of(str(cfg.shard))
    choose(cfg)
    from civos_siaf.cli.method import built_method
    from civos_siaf.weights.provenance import about_method

    evaluation = Evaluation(
        built_method(cfg.method, compile=cfg.compile),
        dataset,
        rules=rules,
        clicks=clicks,
        clock=clock,
        folder=cfg.out,
        shard=shard,
        warm_up=warms_up(cfg),
        about=about_method(OmegaConf.to_container(cfg.method, resolve=True)),
        next_frame=instantiate(cfg.next_frame),
    )
    if evaluation.finished_before:
        print(f"finished before, {evaluation.record.origin}: nothing is played; {cfg.out}", file=sys.stderr)
    sheets = ContactSheets(Path(cfg.out) / "sheets") if cfg.contact_sheets else None
    with tqdm(total=len(evaluation.remaining), unit="sample", disable=None) as bar:
        for played in evaluation.play():
            bar.set_description(f"{played.sample.sequence} {played.sample.label} round {played.round}")
            bar.set_postfix_str(f"J&F {evaluation.running_score:.3f}")
            bar.update(int(played.over))
            if sheets:
                sheets.add(played)
    summary = Path(cfg.out) / "summary.md"
    if summary.exists():
        print(summary.read_text(encoding="utf-8"))
        scores = evaluation.summary()
        print(f"R-AUC {scores.r_auc:.3f}, AUC {scores.auc:.3f}, J&F at 60 s {scores.at_60s:.3f}")
    else:
        print(f"part {evaluation.shard} is done; others below {cfg.out} are not")


@hydra.main(version_base="1.3", config_path="../configs", config_name="eval_davis")
def main(cfg: DictConfig) -> None:
    with clear_errors():
        run(complete(cfg))


if __name__ == "__main__":
    prepare(__file__, inputs=("dataset.root",), outputs=("out",))
    with clear_errors():
        main()
