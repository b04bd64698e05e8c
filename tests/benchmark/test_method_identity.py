"""An edited method, or other weights at the same place, are not taken for what was evaluated before."""

import importlib.util
import logging
import sys

import numpy as np
import pytest
import torch

from civos_siaf.benchmark import DavisDataset, Evaluation, FixedClock, Rules, evaluate
from civos_siaf.benchmark.method_identity import source_hash, state_hash

SOURCE = """
import numpy as np


class Mine:
    def open(self, frames, *, num_objects):
        self.labels = np.full((len(frames), frames.height, frames.width), VALUE, np.uint8)
        return self

    def interact(self, prompts):
        return {frame: self.labels[frame] for frame in prompts.frames}

    def propagate(self):
        return self.labels
"""


def written(folder, value):
    path = folder / "mine.py"
    path.write_text(SOURCE.replace("VALUE", str(value)))
    spec = importlib.util.spec_from_file_location("mine", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.Mine.__module__ = "mine"
    sys.modules["mine"] = module
    return module.Mine()


def play(method, folder):
    dataset = DavisDataset(sequences=["mini-a"])
    return evaluate(method, dataset, rules=Rules(max_rounds=1), clock=FixedClock(), folder=folder)


def test_an_edited_class_is_noticed(tmp_path, caplog):
    first = play(written(tmp_path, 1), tmp_path / "out")
    with caplog.at_level(logging.WARNING):
        assert play(written(tmp_path, 1), tmp_path / "out") == first
    assert "2 finished samples of this evaluation (begun 20" in caplog.text
    with pytest.raises(ValueError, match=r"\(method.hash of its source: '\w+' there, '\w+' now"):
        play(written(tmp_path, 0), tmp_path / "out")


class Weighed:
    def __init__(self, value):
        self.parts = {"network": torch.nn.Linear(2, 2)}
        torch.nn.init.constant_(self.parts["network"].weight, value)
        torch.nn.init.zeros_(self.parts["network"].bias)


def test_other_weights_are_noticed(tmp_path):
    def begin(value):
        dataset = DavisDataset(sequences=["mini-a"])
        return Evaluation(Weighed(value), dataset, rules=Rules(max_rounds=1), folder=tmp_path)

    begin(1.0)
    begin(1.0)
    with pytest.raises(ValueError, match="hash of its weights and arrays"):
        begin(2.0)


def test_hashes_see_what_matters():
    assert source_hash(object()) is None
    assert state_hash(object()) is None
    assert source_hash(Weighed(1)) == source_hash(Weighed(2))
    assert state_hash(Weighed(1)) != state_hash(Weighed(2))

    class Arrays:
        def __init__(self, array):
            self.inner = [array]

    zeros, half = np.zeros(3), torch.zeros(3, dtype=torch.bfloat16)
    assert state_hash(Arrays(zeros)) == state_hash(Arrays(np.zeros(3)))
    assert len({state_hash(Arrays(a)) for a in (zeros, zeros.astype(int), np.zeros((3, 1)), half)}) == 4
