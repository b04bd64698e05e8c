"""Making an environment in which the original toolkit installs and runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from civos_siaf.runtime.files import write_text

# With these versions it was seen to work; newer NumPy, pandas and NetworkX break it.
REQUIREMENTS = (
    "numpy==1.23.5",
    "scipy==1.15.3",
    "scikit-image==0.21.0",
    "scikit-learn==1.7.2",
    "networkx==2.8.8",
    "pandas==1.5.3",
    "opencv-python-headless==4.8.1.78",
    "pillow",
    "absl-py",
    "six",
    "requests",
    "cython<3.1",
    "setuptools<70",
    "wheel",
)
TOOLKIT = "davisinteractive==1.0.4"
VERSIONS = ((3, 11), (3, 10))
MARKER = "davisinteractive.json"


class NoSuitablePythonError(RuntimeError):
    """None of the Pythons found can run the original toolkit."""


def create(directory: Path | str, *, python: Path | str | None = None) -> Path:
    """Make the environment, or find it made; returns its interpreter.

    Args:
        directory: where; a virtual environment.
        python: the Python to make it with, 3.10 or 3.11; None: looked for.

    Raises:
        NoSuitablePythonError: no Python 3.10 or 3.11.
        RuntimeError: a step of the installation failed; with its last lines.
    """
    directory = Path(directory)
    interpreter = directory / "bin" / "python"
    wanted = json.dumps([*REQUIREMENTS, TOOLKIT])
    marker = directory / MARKER
    if marker.exists() and marker.read_text(encoding="utf-8") == wanted and interpreter.exists():
        return interpreter
    _run([str(python or find_python()), "-m", "venv", "--clear", str(directory)])
    pip = [str(interpreter), "-m", "pip", "install", "--quiet"]
    _run([*pip, *REQUIREMENTS])
    # Its own requirements cannot be met together; without build isolation it finds the NumPy it needs.
    _run([*pip, "--no-deps", "--no-build-isolation", TOOLKIT])
    write_text(marker, wanted)
    return interpreter


def find_python() -> str:
    """A Python that can run the toolkit: this one, or one on the path.

    Raises:
        NoSuitablePythonError: there is none.
    """
    if sys.version_info[:2] in VERSIONS:
        return sys.executable
    for major, minor in VERSIONS:
        if found := shutil.which(f"python{major}.{minor}"):
            return found
    running = ".".join(map(str, sys.version_info[:2]))
    raise NoSuitablePythonError(f"{TOOLKIT} needs Python 3.10 or 3.11; this is {running}, none on the path")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise RuntimeError(f"{' '.join(command)} failed:\n{last}")
