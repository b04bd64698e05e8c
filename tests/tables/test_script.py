import csv
import json

import pytest

from civos_siaf.benchmark import DavisDataset, FixedClock, Rules, click_strategy, evaluate
from tests.benchmark.eroded import Eroded
from tests.scripts.conftest import ROOT
from tests.waiting import wait_until

TINY = (
    f"hydra.searchpath=[file://{ROOT}/tests/tables/configs]",
    "table=tiny",
    "models=mine",
    "dataset=davis",
    "clock=fixed",
    "+models.roles.civos.method=nearest_colour",
    "+models.roles.civos.overrides=['method._target_=tests.benchmark.eroded.Eroded',"
    "'~method.reach','~method.place_weight']",
)


def test_killed_and_resumed(script, tmp_path):
    # A cell has 4 samples of 2 rounds: one cell finished, and one sample of the next.
    process = script("reproduce.py", *TINY, start=True, ERODED_HOLD_AT="12")
    cells = tmp_path / "outputs" / "cells"

    def cells_with(name):
        return [path for path in cells.glob(f"*/{name}") if path.read_text()]

    wait_until(lambda: len(cells_with("finished.jsonl")) == 2, process=process, seconds=240)
    process.kill()
    process.communicate()
    done = cells_with("summary.json")
    begun = [p for p in cells_with("finished.jsonl") if p.with_name("summary.json") not in done]
    assert len(done) == len(begun) == 1
    first, stamp = begun[0].read_text(), done[0].stat().st_mtime_ns
    report = begun[0].with_name("report.csv")
    kept = report.read_text()[: 24 * 60]
    again = script("reproduce.py", *TINY)
    assert again.returncode == 0, again.stderr
    assert "2 to do in part 1/1" in again.stderr
    assert done[0].stat().st_mtime_ns == stamp
    assert begun[0].read_text().startswith(first)
    assert report.read_text().startswith(kept)
    assert "no method for mivos in models=mine; give +models.roles.mivos.method=NAME" in again.stdout
    out = tmp_path / "outputs" / "tables" / "mine-davis"
    assert {p.suffix for p in out.iterdir()} == {".md", ".csv", ".tex", ".png", ".json"}
    assert again.stdout.startswith((out / "tiny.md").read_text())
    rows = list(csv.DictReader((out / "tiny.csv").open()))
    expected = evaluate(
        Eroded(),
        DavisDataset(),
        rules=Rules(max_rounds=2),
        clicks=click_strategy("f3", max_clicks=2),
        clock=FixedClock(),
    )
    assert float(rows[1]["2 ours"]) == pytest.approx(expected.r_auc, rel=1e-5)
    assert rows[0]["2 ours"] == rows[2]["1 ours"] == ""
    facts = json.loads((out / "tiny.json").read_text())["provenance"]
    assert "table=tiny" in facts["command"]
    assert facts["data"] == "davis val, 480p, 2017"


def test_missing_data_are_named(script):
    done = script("reproduce.py", *(o for o in TINY if o != "dataset=davis"), "dataset=davis2017")
    assert done.returncode == 0, done.stderr
    assert "DAVIS 2017 needs dataset.root=FOLDER. Get DAVIS 2017" in done.stdout
    assert "3 cells" in done.stdout
