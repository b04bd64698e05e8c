from datetime import timedelta

import pytest
import torch
import torch.distributed as dist

from civos_siaf.training.distribution import Process, join


@pytest.fixture
def calls(monkeypatch):
    """What is asked of torch, on a machine that seems to have two GPUs."""
    made = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: made.append(("set_device", str(device))))
    monkeypatch.setattr(
        dist, "init_process_group", lambda *args, **named: made.append(("init", *args, named))
    )
    monkeypatch.setattr(dist, "destroy_process_group", lambda: made.append(("destroy",)))
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.mark.parametrize(("device", "index"), [("auto", 0), ("cuda", 0), ("cuda:1", 1)])
def test_a_process_alone_uses_its_gpu_for_everything(calls, device, index):
    with join(device) as process:
        assert process == Process(0, 1, torch.device("cuda", index))
        assert calls == [("set_device", f"cuda:{index}")]
    assert len(calls) == 1


def test_on_the_cpu_no_gpu_is_touched(calls):
    with join("cpu") as process:
        assert process == Process()
    assert calls == []


@pytest.mark.parametrize(("device", "backend"), [("auto", "nccl"), ("cpu", "gloo")])
def test_others_wait_hours_for_a_validation(calls, monkeypatch, device, backend):
    for name, value in (("RANK", 5), ("WORLD_SIZE", 8), ("LOCAL_RANK", 1)):
        monkeypatch.setenv(name, str(value))
    with join(device) as process:
        assert (process.rank, process.world_size) == (5, 8)
    *placed, init, end = calls
    assert placed == ([("set_device", "cuda:1")] if backend == "nccl" else [])
    assert init[:2] == ("init", backend)
    assert init[2]["timeout"] >= timedelta(hours=6)
    assert end == ("destroy",)


def test_a_gpu_that_is_not_there_is_named(calls):
    with (
        pytest.raises(ValueError, match="device cuda:2 needs GPU 2; torch sees 2 here"),
        join("cuda:2"),
    ):
        pass
    assert calls == []
