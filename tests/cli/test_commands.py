import subprocess
import sys

import pytest
import yaml

from civos_siaf.cli import commands
from civos_siaf.runtime import resources


def run(*arguments, cwd):
    line = [sys.executable, "-m", "civos_siaf", *arguments]
    environment = {"PYTHONPATH": str(resources.PACKAGE.parent), "PATH": ""}
    return subprocess.run(line, capture_output=True, text=True, cwd=cwd, env=environment)


def test_every_script_is_a_command_and_helpers_are_not():
    known = commands.commands()
    assert known["eval"].name == "eval_davis.py"
    assert known["download-weights"].name == "download_weights.py"
    assert not {"errors", "stages", "eval-davis"} & set(known)
    for script in known.values():
        assert len(commands.described(script)) > 10
        assert "python" not in commands.described(script)


def test_a_command_gets_its_arguments_and_runs_like_the_script(tmp_path):
    result = run("merge-reports", str(tmp_path / "nothing"), cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert "nothing" in result.stderr


def test_a_command_finds_the_configurations_from_any_folder(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"")
    result = run("segment", "--cfg", "job", "video=a.mp4", "click=[0,1,2]", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "civos_siaf.methods.CiVOS" in result.stdout


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_without_a_command_they_are_listed(arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["civos-siaf", *arguments])
    commands.main()
    assert "  eval  " in capsys.readouterr().out


def test_an_unknown_command_names_the_others(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["civos-siaf", "trian"])
    with pytest.raises(SystemExit, match=r"no command 'trian'; there are .*train"):
        commands.main()


def test_folders_are_those_of_the_package_where_it_has_them(tmp_path, monkeypatch):
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "civos_siaf")
    assert resources.resource_folder("configs") == tmp_path / "configs"
    (tmp_path / "civos_siaf" / "configs").mkdir(parents=True)
    assert resources.resource_folder("configs") == tmp_path / "civos_siaf" / "configs"


def test_the_video_comes_first(tmp_path):
    (tmp_path / "it's a=b.mp4").write_bytes(b"")
    result = run("segment", "it's a=b.mp4", "click=[0,320,180]", "--cfg", "job", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert yaml.safe_load(result.stdout)["video"] == "it's a=b.mp4"
