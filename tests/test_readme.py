import re
import shlex
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_example_of_a_method_runs(tmp_path, monkeypatch, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
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
