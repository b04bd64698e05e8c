"""Test processes beside each other use one thread each: more would only be in each other's way.

How long an example of Hypothesis takes says nothing on a busy machine. Its examples are the same in every run
of `.ci/run`, which judges a change, and others in every run by hand, which look for more.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CIVOS_SIAF_SAME_EXAMPLES" in os.environ,
)
settings.load_profile("patient")

MARKS = {
    "browser": ("app/page/test_",),
    "parity": ("parity", "original"),
    "slow": (
        "app/server/test_live.py",
        "app/test_kill.py",
        "benchmark/test_evaluation.py",
        "devices",
        "doctor",
        "methods/test_light_siaf.py",
        "scripts",
        "speed",
        "tables/test_published.py",
        "tables/test_scribble_noise.py",
        "tables/test_script.py",
        "test_docs.py",
        "test_readme.py",
        "training/tasks",
        "training/test_fusion_outputs.py",
        "training/test_loop.py",
        "training/test_shared_statistics.py",
    ),
}
"""Files and folders of tests by mark; the unmarked rest is the quick part."""
NOT_MARKED = ("app/page/test_files.py", "scripts/test_configs.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    root = Path(__file__).parent
    for item in items:
        path = Path(item.path)
        place = path.relative_to(root).as_posix() if path.is_relative_to(root) else ""
        if place and not place.startswith(NOT_MARKED):
            for mark, beginnings in MARKS.items():
                if place.startswith(beginnings):
                    item.add_marker(mark)
