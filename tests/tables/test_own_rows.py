import csv

import pytest

from civos_siaf.tables import OWN, Models, table, with_own_rows
from civos_siaf.weights.download import sha256
from civos_siaf.weights.locate import own_weights
from tests.tables.test_script import TINY


def test_rows_that_differ_in_the_system_alone_share_an_own_row(tiny):
    more = with_own_rows(tiny, "mine", overrides=["method.a=1"])
    assert more.rows[:3] == tiny.rows
    assert [row.key for row in more.rows[3:]] == ["own toy"]
    (row,) = more.rows[3:]
    assert row.labels == ("mine", "")
    assert row.section == "Own method"
    assert [cell.published for cell in row.cells] == [None] * 3
    assert {cell.run.role for cell in row.cells} == {OWN}
    assert {cell.run.overrides for cell in row.cells} == {("method.a=1",)}
    assert [cell.measure for cell in row.cells] == [cell.measure for cell in tiny.rows[0].cells]
    assert more.trends == tiny.trends


def test_what_sets_own_rows_apart_stands_behind_the_name():
    run = {"role": "a", "click_strategy": "f1", "rounds": 8, "seconds_per_object": 240, "scope": "sample"}
    run |= {"first_scribbles": 1, "frames_per_round": 1, "max_clicks": 3, "metric": "r_auc"}
    rows = [
        {"key": key, "labels": [key], "published": [0.5], "run": {"role": key, "frames_per_round": frames}}
        for key, frames in (("a", 1), ("b", 1), ("c", 3))
    ]
    facts = {"name": "n", "title": "t", "source": "s", "unit": "u", "labels": ["Method"], "columns": ["x"]}
    more = with_own_rows(table(**facts, run=run, rows=rows), "mine")
    assert [row.labels[0] for row in more.rows[3:]] == [
        "mine (frames_per_round=1)",
        "mine (frames_per_round=3)",
    ]
    assert [row.section for row in more.rows[3:]] == ["Own method", None]


def test_costs_have_no_own_rows():
    run = {
        "kind": "costs",
        "role": "a",
        "paper_table": "IV",
        "sizes": [],
        "frames": [],
        "metric": "mebibytes",
    }
    rows = [{"key": "a", "labels": ["a"], "published": [1.0], "run": {"item": "AFA"}}]
    costs = table(
        name="c", title="t", source="s", unit="u", labels=["Part"], columns=["x"], run=run, rows=rows
    )
    with pytest.raises(ValueError, match="table c measures costs; a row of one's own needs"):
        with_own_rows(costs, "mine")


def test_weight_files_named_by_a_configuration_are_hashed(tmp_path):
    file = tmp_path / "a.safetensors"
    file.write_bytes(b"1")
    light = {"_target_": "civos_siaf.weights.locate.own_weights", "name": "light_fusion"}
    config = {"network": {"path": str(file), "name": "x"}, "more": [light, "gone.pth", "word"], "none": None}
    hashes = Models("mine", {}).hashes(config, known={})
    own = own_weights("light_fusion")
    assert hashes == {str(file): sha256(file), own.name: sha256(own)}
    file.write_bytes(b"2")
    assert Models("mine", {}).hashes(config, known={})[str(file)] != hashes[str(file)]


def test_own_rows_are_played_and_refusals_are_said(script, tmp_path):
    options = [option for option in TINY if not option.startswith("+models")]
    done = script("reproduce.py", *options, "own=nearest_colour", "rounds=1")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((tmp_path / "outputs/tables/mine-davis/tiny.csv").open()))
    own = [row for row in rows if row["Clicks"].startswith("nearest_colour")]
    assert [row["Clicks"] for row in own] == [
        f"nearest_colour (click_strategy={s})" for s in ("f1", "f3", "none")
    ]
    assert all(0 < float(row["1 ours"]) < 0.75 for row in own)
    clicks_only = script(
        "reproduce.py", *options, "own=civos_light", "rounds=1", "dataset.sequences=[mini-a]"
    )
    assert clicks_only.returncode == 0, clicks_only.stderr
    assert "Scribble on frame" in clicks_only.stdout
    assert "this method takes Click, MaskPrompt" in clicks_only.stdout
