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
