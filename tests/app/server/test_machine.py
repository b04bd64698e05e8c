import subprocess
import sys

import pytest

from civos_siaf.app.server import machine
from civos_siaf.app.server.machine import Speed


def test_speed_is_the_average_since_the_first_report(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(machine.time, "monotonic", lambda: now[0])
    speed = Speed()
    assert speed.report(2) is None
    now[0] += 3
    assert speed.report(4) == 1.5
    now[0] += 3
    assert speed.report(8) == 1.0
    assert speed.report(0) is None  # begun anew
    now[0] += 4
    assert speed.report(1) == 4


def test_memory_grows_with_what_is_held() -> None:
    # In a process of its own: a long one may have room that it gave back, but holds.
    code = """
from civos_siaf.app.server.machine import resident_bytes
before = resident_bytes()
held = bytearray(50_000_000)
held[::4096] = b"x" * len(held[::4096])
print(resident_bytes() - before)
"""
    grown = int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert 40_000_000 < grown < 200_000_000
