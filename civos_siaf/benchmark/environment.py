"""What an evaluation ran on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "civos-siaf",
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "opencv-python-headless",
    "pandas",
    "pillow",
)


def environment() -> dict[str, Any]:
    """Python, packages, processor, accelerators, and the commit when run from a checkout.

    Which of them a method uses is not known here.
    """
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "accelerators_available": _accelerators(),
        "commit": _commit(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def available(facts: Mapping[str, Any]) -> list[str]:
    """The accelerators of a recorded environment; older records have only the first of them."""
    if "accelerators_available" in facts:
        return list(facts["accelerators_available"])
    return [facts["device"]] if facts.get("device", "cpu") != "cpu" else []


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def processor() -> str:
    """Name of the processor."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _accelerators() -> list[str]:
    """Names of what torch could use, if it is loaded; used or not."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return []
    return [str(torch.cuda.get_device_name(index)) for index in range(torch.cuda.device_count())]


def _commit() -> str | None:
    """The checkout's commit, with a + when files are changed; None outside a checkout."""
    here = Path(__file__).parent
    try:
        commit = _git(here, "rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git(here, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=20
    )
    return done.stdout.strip()
