import json
import os
import shutil
import sys

import pytest
from hydra import compose, initialize_config_dir

from civos_siaf.benchmark.dataset import mini_root
from tests.scripts.conftest import ROOT
from tests.waiting import wait_until

TOY = ("method=nearest_colour", "dataset=davis", "click_strategy=none")
ERODED = ("method._target_=tests.benchmark.eroded.Eroded", "~method.reach", "~method.place_weight")


def test_a_run_says_what_it_is(script, tmp_path):
    done = script("eval_davis.py", *TOY, "rounds=2")
    assert done.returncode == 0, done.stderr
    assert "| J&F |" in done.stdout
    assert "small synthetic set inside the package" in done.stdout
    out = tmp_path / "outputs" / "eval" / "nearest_colour-davis-none"
    assert {p.name for p in out.iterdir()} == {
        "run.json", "report.csv", "finished.jsonl", "summary.json", "summary.md", "curves.png", "sheets",
    }  # fmt: skip
    assert len(list((out / "sheets").iterdir())) == 4


WEIGHED = """
from pathlib import Path

from tests.benchmark.eroded import Eroded


class Weighed(Eroded):
    def __init__(self, path, device):
        super().__init__(shrink=int(Path(path).read_text()))
"""


@pytest.fixture
def play(tmp_path, monkeypatch, capsys):
    """Run `eval_davis` in this process, in an empty folder; returns what it writes, and its errors stream."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    monkeypatch.syspath_prepend(str(tmp_path))
    import eval_davis

    def run(*options):
        with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
            eval_davis.run(compose("eval_davis", list(options)))
        return capsys.readouterr()

    yield run
    for name in ("eval_davis", "errors", "weighed"):
        sys.modules.pop(name, None)


def test_other_weights_at_the_same_place_are_another_run(play, tmp_path):
    (tmp_path / "weighed.py").write_text(WEIGHED)
    weights = tmp_path / "w.pth"
    weights.write_text("3")
    method = ("method._target_=weighed.Weighed", "+method.path=w.pth", "+method.device=cpu", *ERODED[1:])
    options = (*TOY, *method, "rounds=1", "clock=fixed", "contact_sheets=false")
    first = play(*options, "out=a")
    assert "finished before" not in first.err
    again = play(*options, "out=a")
    assert again.out == first.out
    assert "finished before, begun 20" in again.err
    assert "nothing is played; a" in again.err
    weights.write_text("1")
    with pytest.raises(ValueError, match=r"a holds an evaluation with other settings \(weights\.w\.pth: "):
        play(*options, "out=a")
    assert play(*options, "out=b").out != first.out
    settings = json.loads((tmp_path / "a" / "run.json").read_text())["settings"]
    assert settings["devices"] == ["cpu"]
    assert "| devices | cpu |" in first.out


def test_killed_in_the_middle_and_resumed(script, tmp_path):
    options = (*ERODED, "clock=fixed", "click_strategy=f3", "contact_sheets=false")
    assert script("eval_davis.py", *TOY, *options, "out=whole").returncode == 0
    process = script("eval_davis.py", *TOY, *options, "out=cut", start=True, ERODED_HOLD_AT="12")
    report, finished = tmp_path / "cut" / "report.csv", tmp_path / "cut" / "finished.jsonl"

    def in_the_second_sample():
        # One finished, the next begun: 8 rounds x 12 rows, and some.
        begun = finished.exists() and finished.read_text()
        return begun and report.read_text().count("\n") > 8 * 12 + 20

    wait_until(in_the_second_sample, process=process, seconds=240)
    process.kill()
    process.communicate()
    assert not (tmp_path / "cut" / "summary.json").exists()
    interrupted = report.read_text()
    done = script("eval_davis.py", *TOY, *options, "out=cut")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "whole" / "report.csv").read_text().startswith(interrupted[: 96 * 100])
    for name in ("report.csv", "summary.json"):
        assert (tmp_path / "cut" / name).read_text() == (tmp_path / "whole" / name).read_text()


def test_parts_by_option(script, tmp_path):
    common = ("rounds=2", "clock=fixed", "contact_sheets=false")
    script("eval_davis.py", *TOY, *common, "out=one")
    first = script("eval_davis.py", *TOY, *common, "out=parts", "shard=1/2")
    assert "part 1/2 is done; others below parts are not" in first.stdout
    second = script("eval_davis.py", *TOY, *common, "out=parts", "shard=2/2")
    assert "| J&F |" in second.stdout, second.stderr
    one, parts = (json.loads((tmp_path / d / "summary.json").read_text()) for d in ("one", "parts"))
    assert one == parts
    merged = script("merge_reports.py", "merged", *sorted((tmp_path / "parts" / "shards").iterdir()))
    assert merged.returncode == 0, merged.stderr
    assert json.loads((tmp_path / "merged" / "summary.json").read_text()) == one
    assert script("merge_reports.py", "nothing").returncode == 1


def test_parts_by_torchrun(script, tmp_path):
    common = ("rounds=2", "clock=fixed", "contact_sheets=false")
    script("eval_davis.py", *TOY, *common, "out=one")
    arguments = ("--nproc-per-node=2", "--master-port=0", ROOT / "scripts" / "eval_davis.py", *TOY)
    done = script("-m", "torch.distributed.run", *arguments, *common, "out=parts")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "parts" / "shards").iterdir())) == 2
    for name in ("report.csv", "summary.json"):
        assert (tmp_path / "one" / name).read_text() == (tmp_path / "parts" / name).read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["dataset.root=nowhere"], "dataset.root: no file or folder at nowhere"),
        (["dataset.split=test"], "no split 'test'"),
        (["dataset.sequences=[bear]"], "sequence 'bear': no folder"),
        (["click_strategy=f9"], "click_strategy must be none, f1, f2, f3 or f3_regions, got 'f9'"),
        (["rounds=0"], "max_rounds must be 1 or more, got 0"),
        (["shard=3/2"], "shard must be i/n"),
    ],
)
def test_mistakes_are_one_clear_line(script, options, message):
    done = script("eval_davis.py", *TOY, *options)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("Annotations/480p/mini-b/00002.png", b"broken", "00002.png: not a readable PNG"),
        ("JPEGImages/480p/mini-b/00000.jpg", b"broken", "00000.jpg: not a readable image"),
        ("Scribbles/mini-b/001.json", b"{", "001.json: not a JSON file"),
    ],
)
def test_broken_files_are_named(script, tmp_path, name, content, message):
    shutil.copytree(mini_root(), tmp_path / "D")
    (tmp_path / "D" / name).write_bytes(content)
    done = script("eval_davis.py", *TOY, "dataset.root=D", "rounds=1")
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_several_frames_per_round(script, tmp_path):
    """One call of interact with the prompts of all frames, and frames that were not annotated before."""
    (tmp_path / "many.py").write_text(
        "import json\n"
        "from civos_siaf.methods import NearestColour\n"
        "from civos_siaf.methods.nearest_colour import NearestColourSession\n"
        "class Noted(NearestColourSession):\n"
        "    def interact(self, prompts):\n"
        "        with open('calls.jsonl', 'a') as file:\n"
        "            file.write(json.dumps(prompts.frames) + '\\n')\n"
        "        return super().interact(prompts)\n"
        "class Method(NearestColour):\n"
        "    def open(self, frames, *, num_objects):\n"
        "        return Noted(frames, self, num_objects=num_objects)\n"
    )
    for strategy in ("none", "f3"):
        done = script(
            "eval_davis.py",
            "method=nearest_colour",
            "method._target_=many.Method",
            "dataset=davis",
            "dataset.sequences=[mini-a]",
            "rounds=2",
            "frames_per_round=2",
            "clock=fixed",
            f"click_strategy={strategy}",
            f"out={strategy}",
            PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}",
        )
        assert done.returncode == 0, done.stderr
        calls = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
        (tmp_path / "calls.jsonl").unlink()
        # Small errors get no clicks: then there is no second call.
        assert calls
        assert all(len(frames) == 2 for frames in calls)
        assert len({frame for frames in calls for frame in frames}) == 2 * len(calls)
        assert (tmp_path / strategy / "sheets" / "mini-a_1+2.jpg").stat().st_size > 0
