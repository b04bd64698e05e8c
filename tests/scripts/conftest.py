import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(tmp_path):
    """Run a script of the repository in an empty folder; returns the finished process."""

    def run(name, *arguments, start=False, **environment):
        script = "-m" if name == "-m" else str(ROOT / "scripts" / name)
        command = [sys.executable, script, *map(str, arguments)]
        options = {
            "cwd": tmp_path,
            "env": {**os.environ, "PYTHONPATH": str(ROOT), **environment},
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
        }
        if start:
            return subprocess.Popen(command, **options)
        return subprocess.run(command, timeout=300, **options)

    return run


@pytest.fixture
def beside_scripts(monkeypatch):
    """Imports what lies beside the scripts and is no script, for one test."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    imported = []

    def module(name):
        imported.append(name)
        return importlib.import_module(name)

    yield module
    for name in imported:
        sys.modules.pop(name, None)
