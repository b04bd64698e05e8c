import pytest

from civos_siaf.benchmark import FixedClock, ManualClock, WallClock


def test_real_time_passes():
    clock = WallClock()
    first = clock.now()
    clock.round_done()
    assert clock.now() >= first > 1.6e9


def test_a_manual_clock_moves_by_hand_only():
    clock = ManualClock(5.0)
    clock.round_done()
    clock.advance(2.5)
    assert clock.now() == 7.5


def test_a_fixed_clock_charges_each_round_the_same():
    clock = FixedClock(3.0)
    clock.round_done()
    clock.round_done()
    assert clock.now() == 6.0
    with pytest.raises(ValueError, match="0 or more, got -1"):
        FixedClock(-1)
