from types import SimpleNamespace

import pytest
import torch

from civos_siaf.propagation.settings import AotSettings
from civos_siaf.runtime.device import torch_device, tune


def test_a_process_of_several_takes_its_own_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert torch_device("cpu") == torch.device("cpu")
    assert torch_device("cuda") == torch.device("cuda", 0)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert torch_device("cuda") == torch.device("cuda", 1)
    assert torch_device("cuda:0") == torch.device("cuda", 0)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(ValueError, match="device cuda needs GPU 2; torch sees 2 here"):
        torch_device("cuda")


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for name, message in (
        ("cuda:1", "device cuda:1 needs GPU 1; torch sees none here"),
        ("mps", "device mps is not available"),
        ("gpu", "no device 'gpu'; a device is cpu, cuda, cuda:1 or mps"),
    ):
        with pytest.raises(ValueError, match=message):
            torch_device(name)


def test_a_gpu_is_tuned_and_a_processor_is_not(monkeypatch):
    cudnn, matmul = SimpleNamespace(benchmark=False), SimpleNamespace(allow_tf32=False)
    monkeypatch.setattr(torch.backends, "cudnn", cudnn)
    monkeypatch.setattr(torch.backends.cuda, "matmul", matmul)
    tune(torch.device("cpu"), tf32=True)
    assert not cudnn.benchmark
    tune(torch.device("cuda"), tf32=True)
    assert cudnn.benchmark
    assert cudnn.allow_tf32
    assert matmul.allow_tf32
    tune(torch.device("cuda"))
    assert not matmul.allow_tf32


def test_sweeps_at_once_by_device():
    settings = AotSettings(sweeps_at_once="auto")
    assert (settings.sweeps_on(torch.device("cuda")), settings.sweeps_on(torch.device("cpu"))) == (4, 1)
    assert AotSettings(sweeps_at_once=2).sweeps_on(torch.device("cuda")) == 2
