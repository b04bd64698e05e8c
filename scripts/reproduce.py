"""A paper's table, run again: python scripts/reproduce.py table=civos_2 models=light dataset.root=..."""

from civos_siaf.cli.arguments import prepare

if __name__ == "__main__":  # before what loads torch, so that mistakes are told at once
    prepare(__file__, inputs=("dataset.root", "weights_folder"), outputs=("out", "cells"))


import os
import shlex
import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig

from civos_siaf.benchmark import Shard
from civos_siaf.cli.cells import jobs
from civos_siaf.cli.device import choose
from civos_siaf.cli.errors import clear_errors, complete
from civos_siaf.tables import OWN, Reproduction, Role, own_notes, provenance, with_own_rows, write_table


def shard_of(text: str) -> Shard:
    if text != "auto":
        return Shard.parse(text)
    return Shard(int(os.environ.get("RANK", 0)) + 1, int(os.environ.get("WORLD_SIZE", 1)))


def run(cfg: DictConfig) -> None:
    models, table = instantiate(cfg.models), instantiate(cfg.table)
    if cfg.own:
        models.roles[OWN] = Role(method=cfg.own)
        table = with_own_rows(table, cfg.own, overrides=list(cfg.own_overrides))
    shard = shard_of(str(cfg.shard))
    prepare = jobs(models, instantiate(cfg.bench), cfg.get("device", "cpu"))
    reproduction = Reproduction(table, prepare, cfg.cells, shard=shard)
    remaining = reproduction.remaining
    print(f"{table.name}: {len(table.runs)} runs, {len(remaining)} to do in part {shard}", file=sys.stderr)
    for number, part in enumerate(reproduction.play(), 1):
        print(f"[{number}/{len(remaining)}] {part}: {reproduction.folder_of(part)}", file=sys.stderr)
    choice = HydraConfig.get().runtime.choices["dataset"]
    which = "(synthetic videos)" if choice.startswith("shapes") else cfg.dataset.split
    data = f"{choice} {which}, {cfg.dataset.resolution}, {cfg.dataset.year}"
    command = shlex.join(["scripts/reproduce.py", *HydraConfig.get().overrides.task])
    while True:
        results = reproduction.results()
        facts = provenance(results, models, data=data, command=command)
        notes = own_notes(results, models, rounds=cfg.rounds, data=data)
        page = write_table(results, cfg.out, facts=facts, notes=notes)
        # Another process may have finished while this one wrote.
        if reproduction.results() == results:
            break
    print(f"written: {cfg.out}/{table.name}.md .csv .tex .png .json", file=sys.stderr)
    print(page)  # the last thing on the screen


@hydra.main(version_base="1.3", config_path="../configs", config_name="reproduce")
def main(cfg: DictConfig) -> None:
    with clear_errors():
        choose(cfg)
        run(complete(cfg))


if __name__ == "__main__":
    with clear_errors():
        main()
