import pytest
import torch
from torch import nn

from civos_siaf.training.ema import Ema
from civos_siaf.training.parameters import RateByName, set_rates


def network():
    return nn.ModuleDict(
        {"encoder": nn.Linear(2, 2), "encoder_top": nn.Linear(2, 2), "head": nn.Linear(2, 1)}
    )


def test_the_longest_beginning_counts_and_every_parameter_is_in_one_group():
    net = network()
    groups = RateByName({"encoder": 0.1, "encoder_top.": 0.5}, no_decay=True)(net)
    rates = {id(p): (g["lr_scale"], g.get("weight_decay")) for g in groups for p in g["params"]}
    assert len(rates) == sum(len(g["params"]) for g in groups) == len(list(net.parameters()))
    assert rates[id(net["encoder"].weight)] == (0.1, None)
    assert rates[id(net["encoder"].bias)] == (0.1, 0.0)
    assert rates[id(net["encoder_top"].weight)] == (0.5, None)
    assert rates[id(net["head"].weight)] == (1.0, None)
    set_rates(groups, 0.02, 0.5)
    assert {g["lr"] for g in groups} == {0.001, 0.005, 0.01}


def test_a_rate_of_zero_freezes():
    net = network()
    groups = RateByName({"encoder.": 0.0})(net)
    assert not net["encoder"].weight.requires_grad
    assert len([p for g in groups for p in g["params"]]) == 4


def test_unknown_beginnings_are_refused():
    with pytest.raises(ValueError, match=r"no trained parameter begins with 'trunk\.'"):
        RateByName({"trunk.": 0.1})(network())


def test_the_average_follows_slowly_and_copies_buffers():
    net = nn.BatchNorm1d(1)
    ema = Ema(net, decay=0.9)
    with torch.no_grad():
        net.weight.fill_(2.0)
        net.running_mean.fill_(5.0)
    ema.update(net, step=10_000)
    assert float(ema.network.weight) == pytest.approx(1.1)
    assert float(ema.network.running_mean) == 5.0
    ema.update(net, step=0)  # the first steps take more
    assert float(ema.network.weight) == pytest.approx(1.1 * 0.1 + 2 * 0.9)
    with pytest.raises(ValueError, match="decay"):
        Ema(net, decay=1.0)
