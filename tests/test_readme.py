import json
import re
import shlex
from pathlib import Path

import pytest

from civos_siaf.benchmark import DavisDataset, Rules
from civos_siaf.data.shapes.clips import ShapesClips
from civos_siaf.video.writer import write_video

README = Path(__file__).parents[1] / "README.md"


def examples():
    return re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_example_of_an_annotation_runs(tmp_path, monkeypatch):
    clip = ShapesClips(size=(240, 426), objects=(2, 2), video_frames=41, seed=8).render(0)
    write_video(tmp_path / "clip.mp4", list(clip.images))
    example = next(text for text in examples() if "cs.annotate(" in text)
    assert len(example.splitlines()) <= 16
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(example, str(README), "exec"), names)
    assert sorted(names["masks"]) == [0, 25]
    assert names["labels"].shape == (240, 426)
    exported = json.loads(Path("masks.json").read_text())
    assert {entry["name"] for entry in exported["categories"]} == {"dog", "ball"}


@pytest.fixture
def clip(tmp_path, monkeypatch):
    drawn = ShapesClips(size=(240, 426), objects=(2, 2), video_frames=5, seed=8).render(0)
    write_video(tmp_path / "clip.mp4", list(drawn.images))
    monkeypatch.chdir(tmp_path)


def short_example(word):
    """An example of at most five lines after the import, in which a word occurs; the names that it leaves."""
    example = next(text for text in examples() if word in text)
    lines = [line for line in example.splitlines() if line and not line.startswith("import")]
    assert len(lines) <= 5
    names = {}
    exec(compile(example, str(README), "exec"), names)
    return names


def test_a_video_is_segmented_in_five_lines(clip):
    result = short_example("cs.segment(")["result"]
    assert result.labels.shape == (5, 240, 426)
    assert (result.labels == 1).any()
    assert len(list(Path("out/masks").iterdir())) == 5


def test_a_method_is_evaluated_in_five_lines(clip, monkeypatch, capsys):
    monkeypatch.setattr("civos_siaf.api.evaluation.DEFAULT_ROUNDS", 1)
    monkeypatch.setattr("civos_siaf.api.evaluation._dataset", lambda _: DavisDataset(sequences=["mini-a"]))
    monkeypatch.setattr("civos_siaf.api.evaluation.Rules", lambda max_rounds: Rules(max_rounds=1))
    assert short_example("cs.evaluate(")["summary"].r_auc > 0
    assert len(capsys.readouterr().out.split()) == 3
    assert Path("outputs/siaf_light/summary.md").is_file()


def test_published_weights_are_fetched_in_five_lines(clip, monkeypatch):
    asked = []

    def fetch(record, folder):
        asked.append(record.name)
        raise ConnectionError("no network in a test")

    monkeypatch.setattr("civos_siaf.api.methods.fetch", fetch)
    with pytest.raises(ConnectionError):
        short_example('cs.load_method("mivos"')
    assert asked == ["mivos-s2m"]


def test_a_network_is_trained_in_five_lines(clip, monkeypatch):
    trained = []

    def run(cfg, process):
        trained.append((cfg.task._target_.rpartition(".")[2], cfg.data_root, cfg.folder))

    monkeypatch.setattr("civos_siaf.api.training.run", run)
    assert short_example("cs.train(")["weights"] == Path("outputs/stm_light/weights.safetensors")
    assert trained == [("PropagationTask", "data", "outputs/stm_light")]


def test_the_example_of_a_method_runs(tmp_path, monkeypatch, capsys):
    example = next(text for text in examples() if "class FullFrame" in text)
    monkeypatch.chdir(tmp_path)
    exec(compile(example.replace('"/data/DAVIS"', ""), str(README), "exec"), {})
    r_auc, auc, at_60s = map(float, capsys.readouterr().out.split())
    assert 0 < r_auc < auc < 0.2
    assert abs(auc - at_60s) < 0.01
    assert (tmp_path / "out" / "summary.md").exists()
    lines = [line for line in example.splitlines() if line.startswith(("class", "    "))]
    assert len(lines) <= 10


def test_both_commands_set_themselves_up():
    commands = [line for line in README.read_text().splitlines() if line.startswith("python3 -m venv")]
    assert len(commands) == 2
    for command in commands:
        words = shlex.split(command)
        assert words[:3] == ["python3", "-m", "venv"]
        assert "pip" in command
        script = [word for word in words if word.startswith("scripts/")]
        assert all((README.parent / name).is_file() for name in script)
