import pytest

from civos_siaf.app.server import machine
from civos_siaf.app.server.machine import Speed, resident_bytes


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
    before = resident_bytes()
    held = bytearray(50_000_000)
    held[::4096] = b"x" * len(held[::4096])
    assert 40_000_000 < resident_bytes() - before < 200_000_000
