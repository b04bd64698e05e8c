import json
import re
import shlex
from pathlib import Path

from civos_siaf.data.shapes.clips import ShapesClips
from civos_siaf.video.writer import write_video

README = Path(__file__).parents[1] / "README.md"


def examples():
    return re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_example_of_an_annotation_runs(tmp_path, monkeypatch):
    clip = ShapesClips(size=(240, 426), objects=(2, 2), video_frames=41, seed=8).render(0)
    write_video(tmp_path / "clip.mp4", list(clip.images))
    example = next(text for text in examples() if "open_project.open" in text)
    assert len(example.splitlines()) <= 16
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(example, str(README), "exec"), names)
    assert sorted(names["masks"]) == [0, 25]
    assert names["labels"].shape == (240, 426)
    exported = json.loads(Path("masks.json").read_text())
    assert {entry["name"] for entry in exported["categories"]} == {"dog", "ball"}


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
