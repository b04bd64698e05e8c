import pytest

from civos_siaf.training.schedules import Cosine, MultiStep, Polynomial, constant


def test_steps_drop_at_their_milestones():
    schedule = MultiStep([3, 5], factor=0.5)
    assert [schedule(step) for step in range(7)] == [1, 1, 1, 0.5, 0.5, 0.25, 0.25]
    assert constant(12345) == 1


@pytest.mark.parametrize("schedule", [Cosine(100, warmup=10, last=0.1), Polynomial(100, warmup=10, last=0.1)])
def test_after_the_warm_up_rates_fall_to_the_last(schedule):
    values = [schedule(step) for step in range(100)]
    top = values.index(max(values))
    assert 9 <= top <= 10
    assert values[top] == 1
    assert values[:top] == sorted(values[:top])
    assert values[top:] == sorted(values[top:], reverse=True)
    assert values[-1] == pytest.approx(0.1, abs=0.03)
    assert min(values) >= 0.1


def test_training_past_the_end_keeps_the_last_rate():
    assert Polynomial(10, last=0.2)(1000) == pytest.approx(0.2)
    assert Cosine(10, last=0.2)(1000) == pytest.approx(0.2)
