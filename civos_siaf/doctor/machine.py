"""Versions, devices, threads, free memory and disk."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from civos_siaf import __version__
from civos_siaf.benchmark.environment import processor

GIB = 2**30
SHOWN = (
    "torch",
    "torchvision",
    "numpy",
    "opencv-python-headless",
    "hydra-core",
    "timm",
    "av",
    "transformers",
    "rf-cutie",
)


@dataclass(frozen=True)
class Machine:
    """Facts of a machine, as text where they are only shown.

    Attributes:
        versions: of packages by name; None: not installed.
        accelerators: one line each; empty: none that torch can use.
        memory: free and all of it in bytes; None where the system does not say.
        disk: free bytes of the folder one is in.
    """

    python: str
    system: str
    versions: dict[str, str | None]
    processor: str
    cores: int
    threads: int
    accelerators: tuple[str, ...]
    memory: tuple[int, int] | None
    disk: int


def look(folder: Path) -> Machine:
    """Look at the machine; `folder` is where results would be written."""
    import torch  # here, as it takes seconds

    return Machine(
        python=platform.python_version(),
        system=platform.platform(terse=True),
        versions={"civos-siaf": __version__, **{name: _version(name) for name in SHOWN}},
        processor=processor(),
        cores=os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        accelerators=_accelerators(),
        memory=_memory(),
        disk=shutil.disk_usage(folder).free,
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _accelerators() -> tuple[str, ...]:
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    found = [f"cuda:{index} {_cuda(index)}" for index in range(count)]
    if torch.backends.mps.is_available():
        found.append("mps (Apple)")
    return tuple(found)


def _cuda(index: int) -> str:
    """Name and free memory of a GPU; asking for the memory takes some of it, which a busy one refuses."""
    import torch

    try:
        name = torch.cuda.get_device_name(index)
        free, total = torch.cuda.mem_get_info(index)
    except RuntimeError as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return f"cannot be used now: {reason}"
    return f"{name}, {free / GIB:.1f} of {total / GIB:.1f} GiB free"


def _memory() -> tuple[int, int] | None:
    table = Path("/proc/meminfo")
    if not table.exists():
        return None
    rows = dict(line.split(":", 1) for line in table.read_text(encoding="utf-8").splitlines() if ":" in line)
    if not {"MemAvailable", "MemTotal"} <= rows.keys():
        return None
    free, total = (int(rows[key].split()[0]) * 1024 for key in ("MemAvailable", "MemTotal"))
    return free, total
