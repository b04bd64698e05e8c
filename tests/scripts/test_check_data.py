import subprocess
import sys
from pathlib import Path

import pytest

from tests.data.layouts import write_coco, write_davis

SCRIPT = Path(__file__).parents[2] / "scripts" / "check_data.py"


def run(*args):
    return subprocess.run([sys.executable, SCRIPT, *map(str, args)], capture_output=True, text=True)


def test_sound_data(tmp_path):
    root = write_coco(tmp_path)
    done = run("coco", root / "instances.json", root / "images")
    assert done.returncode == 0, done.stderr
    assert "images read             3" in done.stdout


def test_problems_are_shown_and_fail(tmp_path):
    write_davis(tmp_path)
    (tmp_path / "JPEGImages/480p/bear/00004.jpg").unlink()
    done = run("davis", tmp_path)
    assert done.returncode == 1
    assert "bear/00004.png: no image of this name" in done.stdout


@pytest.mark.parametrize("args", [["davis", "absent"], ["bl30k", "absent"], ["coco", "absent", "."]])
def test_a_missing_root_is_one_line(args):
    done = run(*args)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: no ")
    assert "Traceback" not in done.stderr
