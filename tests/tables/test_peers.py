"""Tables of our own: every cell is run, and printed alone."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from PIL import Image

from civos_siaf.benchmark import DavisDataset, Evaluation, FixedClock, Rules, click_strategy
from civos_siaf.methods import NearestColour
from civos_siaf.prompts import Click
from civos_siaf.speed import interactive
from civos_siaf.speed.propagation import made_video
from civos_siaf.tables import (
    Bench,
    CellJob,
    Measure,
    Reproduction,
    measure_interactive,
    provenance,
    table,
    write_table,
)
from tests.scripts.conftest import ROOT

SMALL = Bench(height=24, width=40, length=3, threads=1, repeats=1)


@pytest.fixture(scope="module", autouse=True)
def configs():
    with initialize_config_dir(config_dir=str(ROOT / "configs"), version_base="1.3"):
        yield


@pytest.mark.parametrize(("name", "runs"), [("peers", 44), ("peers_speed", 11)])
def test_tables_are_complete(name, runs):
    cfg = compose("reproduce", overrides=[f"table={name}", "models=peers", "out=x"])
    found, models = instantiate(cfg.table), instantiate(cfg.models)
    assert all(cell.run is not None for _, _, cell in found.cells)
    assert len(found.runs) == runs
    for run in found.runs:
        role = models.roles[run.role]
        options = [f"method={role.method}", *role.overrides, *run.command, *role.timed, "out=x"]
        chosen = compose("eval_davis", overrides=options)
        if run.kind == "evaluation":
            assert chosen.clicks.name == run["click_strategy"]


def test_seconds_per_click_and_frame_go_on_where_they_stopped(tmp_path):
    built = []

    def build():
        built.append(NearestColour())
        return built[-1]

    (tmp_path / "interactive.part.json").write_text(json.dumps({"1": {"click_seconds": 7.0}}))
    measure_interactive(tmp_path, SMALL, build, (1, 3))
    assert Measure("click_seconds", case="1").of(tmp_path, "interactive") == 7.0
    for metric in ("first_click_seconds", "click_seconds", "frame_seconds"):
        assert Measure(metric, case="3").of(tmp_path, "interactive") > 0
    assert [p.name for p in tmp_path.iterdir()] == ["interactive.json"]
    assert len(built) == 1


def test_every_object_is_clicked_first_and_one_once_more():
    seen = []

    class Session:
        def interact(self, prompts):
            seen.append([item.object_id for item in prompts if isinstance(item, Click)])

        def propagate(self):
            return None

    class Method:
        def open(self, frames, *, num_objects):
            return Session()

    costs = interactive.play(Method(), made_video(3, 24, 40), 3)
    assert seen == [[1, 2, 3], [1]]
    assert costs.keys() == interactive.Costs.__annotations__.keys()


def test_memory_of_a_call_is_seen():
    """In a process of its own: this one may have freed memory that it fills first (`keep` of timings)."""
    script = """
import numpy as np
from civos_siaf.speed import interactive

with interactive.peak_memory("cpu") as peak:
    held = np.ones(60 * 2**20, np.uint8)
assert held[0]
print(peak())
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert 50 < float(done.stdout) < 200


def test_figures_after_rounds_and_means(tmp_path):
    content = {
        "rounds": 3,
        "seconds_per_round": [1.0, 2.0, 3.0],
        "clicks_per_round": [3.0, 3.0, 6.0],
        "metrics": {"J_AND_F": {"values": [0.0, 0.5, 0.6, 0.7, 0.7], "seconds": [0, 1, 3, 6, 9], "auc": 0.5}},
    }
    (tmp_path / "summary.json").write_text(json.dumps(content))
    assert Measure("after_round", after=3).of(tmp_path, "evaluation") == 0.7
    assert Measure("seconds_per_round").of(tmp_path, "evaluation") == 2.0
    assert Measure("clicks_per_round").of(tmp_path, "evaluation") == 4.0
    row = {
        "key": "a",
        "labels": ["a"],
        "run": {"role": "a", "kind": "interactive", "objects": [1], "item": 1},
    }
    head = {"name": "t", "title": "t", "source": "s", "unit": "u", "labels": ["l"], "columns": ["c"]}
    made = table(**head, rows=[{**row, "run": {**row["run"], "metric": "click_seconds"}}], ours_only=True)
    assert made.runs
    with pytest.raises(ValueError, match="after_round needs after"):
        table(**head, rows=[{**row, "run": {"role": "a", "metric": "after_round"}}], ours_only=True)


@pytest.fixture
def toy_job():
    """A job for every run of these tables: one toy stands for all systems, and plays each setting once."""
    folders = {}

    def job(run):
        known = (run.kind, run.settings)

        def play(folder):
            if known in folders:
                shutil.copytree(folders[known], folder, dirs_exist_ok=True)
            elif run.kind == "interactive":
                measure_interactive(folder, SMALL, NearestColour, run["objects"])
            else:
                evaluation = Evaluation(
                    NearestColour(),
                    DavisDataset(sequences=["mini-a"], num_first_scribbles=1),
                    rules=Rules(max_rounds=run["rounds"]),
                    clicks=click_strategy(run["click_strategy"], max_clicks=run["max_clicks"])
                    if run["click_strategy"] != "none"
                    else None,
                    clock=FixedClock(),
                    folder=folder,
                )
                for _ in evaluation.play():
                    pass
            folders.setdefault(known, folder)

        return CellJob({"role": run.role, "settings": run.settings}, play)

    return job


@pytest.mark.parametrize(("name", "figures"), [("peers", 44 * 8), ("peers_speed", 33 * 4)])
def test_tables_run_to_their_pages(name, figures, toy_job, tmp_path):
    cfg = compose("reproduce", overrides=[f"table={name}", "models=peers", "out=x"])
    found, models = instantiate(cfg.table), instantiate(cfg.models)
    reproduction = Reproduction(found, toy_job, tmp_path / "cells")
    for _ in reproduction.play():
        pass
    results = reproduction.results()
    facts = provenance(results, models, data="mini", command="reproduce.py")
    page = write_table(results, tmp_path / "out", facts=facts)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"{name}.{kind}" for kind in ("md", "csv", "tex", "png", "json")}
    with Image.open(tmp_path / "out" / f"{name}.png") as picture:
        picture.load()
    assert results.complete
    numbers = [
        cell for line in page.splitlines() for cell in line.split("|") if re.fullmatch(r" +[\d.]+ +", cell)
    ]
    assert len(numbers) == figures
    assert "## Missing" not in page
