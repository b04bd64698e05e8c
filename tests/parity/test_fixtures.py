"""Every recorded answer of the originals, within its tolerance."""

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.parity import Check, check_folder

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "tests" / "reference"


@pytest.fixture(scope="module")
def davis():
    return list(check_folder(REFERENCE / "davis"))


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("metrics", 23 * 7), ("robot", 17 * 4), ("render", 14), ("completion", 4), ("summary", 21 * 4),
        ("session A", 100), ("session B", 50), ("session C", 100), ("session D", 200), ("session E", 200),
    ],
)  # fmt: skip
def test_davis_toolkit(davis, kind, least):
    checks = [check for check in davis if check.name.startswith(kind)]
    assert len(checks) >= least
    assert [str(check) for check in checks if not check.ok] == []


def test_all_cases_are_there(davis):
    names = [check.name.split("/") for check in davis]
    assert len({name[1] for name in names if name[0] == "metrics"}) == 23
    assert len({name[1] for name in names if name[0] == "robot"}) == 17
    assert len({(n[1], n[2]) for n in names if n[0] == "summary" and not n[1].startswith("empty")}) == 21


def test_only_the_lines_named_by_the_fixtures_use_the_alternative(davis):
    alternatives = [check.name for check in davis if check.note == "with sorted neighbours"]
    assert alternatives
    assert all(name.startswith("session C") and "mini-b" in name for name in alternatives)


def test_click_strategies_and_auc():
    checks = list(check_folder(REFERENCE / "ritm"))
    kinds = Counter(check.name.split("/")[0] for check in checks)
    assert kinds["clicks"] >= 224
    assert kinds["auc"] == 10
    assert [str(check) for check in checks if not check.ok] == []


def test_a_changed_reference_fails(tmp_path):
    folder = tmp_path / "ritm"
    shutil.copytree(REFERENCE / "ritm", folder)
    text = (folder / "auc.json").read_text()
    assert "0.668828125" in text
    (folder / "auc.json").write_text(text.replace("0.668828125", "0.668828135"))
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "check_parity.py", folder], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert [line.split()[0] for line in done.stdout.splitlines() if "FAILED" in line] == [
        "auc/full/r_auc",
        done.stdout.splitlines()[-1].split()[0],
    ]


def test_folders_without_fixtures_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no fixture folder"):
        list(check_folder(tmp_path / "nothing"))
    with pytest.raises(ValueError, match="none of the files that checkers know"):
        list(check_folder(tmp_path))


@pytest.mark.parametrize(
    ("ours", "reference", "ok"),
    [
        ([1.0, 2.0], [1.0, 2.0 + 1e-13], True),
        ([1.0, 2.0], [1.0, 2.1], False),
        ([1.0], [1.0, 2.0], False),
        ([np.nan], [np.nan], True),
        ([np.nan], [1.0], False),
        ([1.0], [np.nan], False),
        ([np.inf], [np.inf], True),
        ([True], [False], False),
    ],
)
def test_a_check_can_fail(ours, reference, ok):
    assert Check.compare("x", ours, reference, tolerance=1e-12).ok is ok


def test_unread_files_are_named(tmp_path):
    (tmp_path / "extra.npz").write_bytes(b"")
    shutil.copy(REFERENCE / "ritm" / "auc.json", tmp_path)
    unread = []
    assert all(check.ok for check in check_folder(tmp_path, unread=unread.extend))
    assert unread == ["extra.npz"]
