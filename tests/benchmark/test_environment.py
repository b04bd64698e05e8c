import torch

from civos_siaf.benchmark.environment import available, environment
from civos_siaf.benchmark.markdown import _environment
from civos_siaf.benchmark.run_record import RunRecord


def test_accelerators_are_available_and_no_more_is_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"GPU {index}")
    facts = environment()
    assert facts["accelerators_available"] == ["GPU 0", "GPU 1"]
    assert "device" not in facts
    assert available(facts) == ["GPU 0", "GPU 1"]
    page = _environment(RunRecord({"devices": ["cpu"]}, [], facts))
    assert "| devices | cpu |" in page
    assert "| accelerators available | GPU 0, GPU 1 |" in page
    assert "| devices |" not in _environment(RunRecord({}, [], facts))


def test_older_records_are_read():
    assert available({"device": "cpu"}) == available({}) == []
    assert available({"device": "a GPU"}) == ["a GPU"]
