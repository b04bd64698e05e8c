import logging

import pytest
import torch

from civos_siaf.propagation.settings import AotSettings
from civos_siaf.runtime import precision
from civos_siaf.runtime.device import torch_device

CPU = torch.device("cpu")


@pytest.fixture
def _fresh():
    precision._found.cache_clear()
    yield
    precision._found.cache_clear()


@pytest.mark.usefixtures("_fresh")
@pytest.mark.parametrize(("bf16", "expected"), [(0.2, "bf16"), (0.95, "fp32"), (18.0, "fp32")])
def test_auto_is_what_is_faster_here_and_is_said_once(bf16, expected, monkeypatch, caplog):
    times = {"fp32": 1.0, "bf16": bf16}
    monkeypatch.setattr(precision, "block_seconds", lambda kind, *_, **__: times[kind])
    caplog.set_level(logging.INFO)
    assert precision.concrete("auto", CPU) == expected
    assert precision.concrete("auto", CPU) == expected
    (said,) = caplog.messages
    assert said.startswith(f"precision auto on cpu: {expected} (a block of convolutions: fp32 1000.0 ms")
    context = AotSettings(precision="auto").autocast(CPU)
    with context:
        assert torch.is_autocast_enabled("cpu") == (expected == "bf16")


def test_what_is_given_is_taken():
    for kind in ("fp32", "bf16", "fp16"):
        assert precision.concrete(kind, CPU) == kind
    with pytest.raises(ValueError, match="precision must be one of fp32, bf16, fp16, auto, got 'half'"):
        precision.concrete("half", CPU)
    with pytest.raises(ValueError, match="feature_precision must be one of fp32, bf16, fp16, got 'auto'"):
        AotSettings(feature_precision="auto")


def test_a_block_is_timed_for_a_moment():
    ticks = iter(range(1000))
    state = torch.get_rng_state()
    assert precision.block_seconds(
        "fp32", CPU, training=True, clock=lambda: next(ticks) * 0.1
    ) == pytest.approx(0.1)
    assert next(ticks) < 10
    assert torch.equal(state, torch.get_rng_state())  # a training's randomness is not touched


def test_auto_is_the_cpu_where_there_is_no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert torch_device("auto") == CPU
