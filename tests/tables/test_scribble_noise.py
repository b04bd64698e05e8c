"""The table of strokes that are moved and shortened, on a tiny set."""

import re

from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from tests.data.layouts import write_davis
from tests.scripts.conftest import ROOT


def test_rows_change_strokes_by_growing_amounts():
    with initialize_config_dir(config_dir=str(ROOT / "configs"), version_base="1.3"):
        found = instantiate(compose("reproduce", overrides=["table=scribble_noise", "out=x"]).table)
        rules = [
            instantiate(compose("eval_davis", overrides=[*run.command, "out=x"]).rules)
            for run in found.runs
            if run.role == "siaf_r50"
        ]
    assert rules[0].strokes is None
    assert [(rule.strokes.shift, rule.strokes.keep) for rule in rules[1:]] == [
        (0.01, 1), (0.02, 1), (0.05, 1), (0.1, 1), (0, 0.5), (0, 0.2), (0, 0)
    ]  # fmt: skip
    assert len(found.runs) == 16


def test_it_runs_to_its_page(script, tmp_path):
    data = write_davis(
        tmp_path / "DAVIS", videos=["one"], num_frames=3, size=(32, 48), num_objects=1, split="val"
    )
    options = ("dataset=davis", f"dataset.root={data}", "clock=fixed", "rounds=1")
    done = script("reproduce.py", "table=scribble_noise", "models=light", *options)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "outputs" / "tables" / "light-davis" / "scribble_noise.md").read_text()
    rows = [line for line in page.splitlines() if re.match(r"\| (SIAF|MiVOS) ", line)]
    assert len(rows) == 16
    assert all(re.search(r"\|\s+\d+\.\d+\s+\|", row) for row in rows)
    assert "needs 3 rounds; only 1 were played" in page
