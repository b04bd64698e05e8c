import csv
import io
import json
import re
from dataclasses import replace

import pytest
from PIL import Image

from civos_siaf.benchmark import Shard
from civos_siaf.tables import CannotRunError, Measure, Models, Reproduction, provenance, table, write_table
from civos_siaf.tables.page import as_csv, latex, markdown
from civos_siaf.tables.picture import draw
from tests.tables.conftest import RUN


@pytest.fixture
def played(tiny, prepare, tmp_path):
    reproduction = Reproduction(tiny, prepare, tmp_path / "cells")
    list(reproduction.play())
    return reproduction


def test_cells_that_share_a_run_share_it(tiny, played, prepare):
    assert [run["max_clicks"] for run in prepare.played] == [1, 2]
    (toy, nobody, paper), missing = played.results().figures, played.results().missing
    folder = played.folder_of(tiny.rows[0].cells[0].run)
    metrics = json.loads((folder / "summary.json").read_text())["metrics"]["J_AND_F"]
    assert toy[0].ours == metrics["r_auc"] != toy[1].ours == metrics["auc"]
    assert toy[0].difference == pytest.approx(toy[0].ours - 0.5)
    assert [figure.ours for figure in (*nobody, *paper)] == [None] * 6
    assert missing == {"no weights for nobody; get them at https://example.org": ["Nobody's  A r_auc"]}
    assert not played.results().complete


def test_the_value_at_60_s_ends_with_the_rounds_asked_for(tmp_path):
    curve = {"seconds": [0, 40, 80, 100, 480], "values": [0, 0.6, 0.7, 0.8, 0.8]}
    content = {"rounds": 3, "metrics": {"J_AND_F": curve}}
    (tmp_path / "summary.json").write_text(json.dumps(content))
    values = [Measure("at_60s", 100.0, after).of(tmp_path, "evaluation") for after in (1, 2, 3)]
    assert values == pytest.approx([60, 65, 65])
    with pytest.raises(CannotRunError, match="needs 4 rounds; only 3 were played"):
        Measure("at_60s", after=4).of(tmp_path, "evaluation")
    with pytest.raises(ValueError, match=r"summary\.json: no r_auc"):
        Measure("r_auc").of(tmp_path, "evaluation")


GPU = {"environment": {"accelerators_available": ["H200"], "processor": "p"}}


@pytest.mark.parametrize(
    ("changes", "device"),
    [
        ({}, "cpu"),
        (GPU, "device not noted (H200 available)"),
        ({"environment": {"device": "H200", "processor": "p"}}, "device not noted (H200 available)"),
        ({"environment": {"device": "cpu", "processor": "p"}}, "cpu"),
        ({**GPU, "settings": {"method_config": {"network": {"device": "cpu"}}}}, "cpu"),
        ({**GPU, "settings": {"method_config": {"network": {"device": "cuda"}}}}, "cuda (H200)"),
        ({**GPU, "settings": {}, "bench": {"device": "cpu"}}, "cpu"),
        ({**GPU, "settings": {}, "bench": {"device": "cuda"}}, "cuda (H200)"),
    ],
)
def test_the_device_of_a_cell_is_the_one_that_was_used(tiny, played, changes, device):
    folder = played.folder_of(tiny.rows[0].cells[0].run)
    content = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps({**content, "environment": {}, **changes}))
    assert played.results().cells[folder.name]["device"] == device


def test_a_finished_cell_is_not_run_again(tiny, played, prepare, tmp_path):
    before = played.results()
    again = Reproduction(tiny, prepare, tmp_path / "cells")
    assert again.remaining == []
    assert list(again.play()) == []
    assert len(prepare.played) == 2
    assert again.results() == before


def test_parts_do_each_run_once(tiny, prepare, tmp_path):
    parts = [Reproduction(tiny, prepare, tmp_path, shard=Shard(i, 2)) for i in (1, 2)]
    assert list(parts[0].play()) == [tiny.runs[0]]
    assert any("not finished" in reason for reason in parts[0].results().missing)
    list(parts[1].play())
    assert [run["max_clicks"] for run in prepare.played] == [1, 2]
    assert parts[0].results() == parts[1].results()
    assert not any("not finished" in reason for reason in parts[0].results().missing)


def test_other_settings_are_another_cell(tiny, prepare, tmp_path):
    folders = {Reproduction(tiny, prepare, tmp_path).folder_of(run) for run in tiny.runs[:2]}
    assert len(folders) == 2


def test_csv_reads_back(played):
    head, *rows = csv.reader(io.StringIO(as_csv(played.results())))
    assert head[:3] == ["section", "Method", "Note"]
    assert len(head) == 3 + 9
    assert [row[1] for row in rows] == ["Toy_1", "Nobody's", "Paper"]
    for row, figures in zip(rows, played.results().figures, strict=True):
        expected = [n for figure in figures for n in (figure.published, figure.ours, figure.difference)]
        found = [float(text) if text else None for text in row[3:]]
        assert found == [None if number is None else pytest.approx(number, rel=1e-5) for number in expected]


def test_latex_is_whole_and_escaped(played):
    text = latex(played.results(), {"commit": "abc"}, ["more_notes"])
    body = text[text.index(r"\begin{tabular}") : text.index(r"\end{tabular}")]
    assert r"\begin{tabular}{llrrrrrrrrr}" in body
    for line in body.splitlines()[1:]:
        if line == r"\hline":
            continue
        assert line.endswith(r" \\")
        spans = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", line))
        assert len(re.findall(r"(?<!\\)&", line)) + 1 + spans == 11
    plain = [line for line in text.splitlines() if not line.startswith("%")]
    assert not re.search(r"(?<!\\)[_#%]", "\n".join(plain).replace(r"\label{tab:tiny}", ""))
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert r"Toy\_1 & x$\dagger$ & 0.50 & " in body
    assert "% commit: abc" in text


def test_markdown_says_everything(played):
    text = markdown(played.results(), {"commit": "abc"}, ["one more"])
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
    assert "| Nobody's " in text
    assert "missing" in text
    for part in ("get them at https://example.org", "2. one more", "- commit: abc", "*Ours*"):
        assert part in text
    assert re.search(
        r"- toy above paper: ours, nothing to compare. Published, does not hold: A r_auc: 0.5", text
    )
    assert "- flat: ours, does not hold" in text


def test_all_files_are_written_whole(played, tmp_path):
    results = played.results()
    facts = provenance(results, Models("light", {}), data="mini", command="cost $x_1$ {")
    page = write_table(results, tmp_path / "out", facts=facts)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"tiny.md", "tiny.csv", "tiny.tex", "tiny.png", "tiny.json"}
    assert (tmp_path / "out" / "tiny.md").read_text() == page
    with Image.open(tmp_path / "out" / "tiny.png") as picture:
        picture.load()
        assert picture.width > 700
    content = json.loads((tmp_path / "out" / "tiny.json").read_text())
    assert content["provenance"]["complete"] == "no"
    assert len(content["cells"]) == 2
    assert [trend["ours"] for trend in content["trends"]] == [None, False]


def test_curves_by_rounds_stand_beside_published_ones(prepare, tmp_path):
    found = table(
        name="curved",
        title="Curved",
        source="Nobody",
        unit="J&F in percent",
        labels=["Method"],
        columns=["AUC", "1", "2"],
        round_curves="somebody",
        run={**RUN, "max_clicks": 1, "scale": 100},
        column_runs=[{"metric": "round_auc"}] + [{"metric": "after_round", "after": n} for n in (1, 2)],
        rows=[
            {"key": "a", "labels": ["A"], "published": [45.0, 60.0, 70.0], "run": None},
            {"key": "b", "labels": ["B"], "published": None},
            {
                "key": "c",
                "labels": ["C"],
                "published": [50.0, None, None],
                "run": None,
                "curve": [55, 65, 75],
            },
            {"key": "d", "labels": ["D"], "published": None, "run": {"role": "nobody"}},
        ],
    )
    reproduction = Reproduction(found, prepare, tmp_path)
    assert reproduction.results().round_curves == (None, None, None, None)
    list(reproduction.play())
    results = reproduction.results()
    assert [row.curve for row in found.rows] == [(60, 70), None, (55, 65, 75), None]
    area, first, second = (figure.ours for figure in results.figures[1])
    assert results.round_curves == (None, (first, second), None, None)
    assert area == pytest.approx((first + second / 2) / 2)
    draw(results, tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as picture:
        tall = picture.height
    draw(replace(results, table=replace(found, round_curves=None)), tmp_path / "y.png")
    with Image.open(tmp_path / "y.png") as picture:
        assert picture.height < tall - 300
