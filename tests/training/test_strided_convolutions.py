import copy

import pytest
import torch
from torch import nn

from civos_siaf.networks.light_propagation import LightPropagation
from civos_siaf.training.network_changes import FullPrecisionConv2d, keep_full_precision


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2),
        nn.Conv2d(8, 8, 3, stride=2, groups=8),
        nn.Conv2d(8, 8, 3, groups=8),
    )


def test_only_strided_depthwise_convolutions_change_and_weights_stay():
    plain, changed = network(), network()
    assert keep_full_precision(changed) == 1
    assert [type(m) for m in changed] == [nn.Conv2d, FullPrecisionConv2d, nn.Conv2d]
    assert list(changed.state_dict()) == list(plain.state_dict())
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(plain(x), changed(x))
    assert type(copy.deepcopy(changed)[1]) is FullPrecisionConv2d


def test_under_autocast_they_are_as_exact_as_their_input():
    exact = network()[1]
    kept = copy.deepcopy(nn.Sequential(exact))
    keep_full_precision(kept)
    x = torch.rand(1, 8, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        half, full = exact(x), kept(x)
    assert half.dtype == torch.bfloat16
    assert full.dtype == torch.float32
    assert torch.equal(full, exact(x))


@pytest.mark.parametrize("expected", [3])
def test_the_light_trunk_has_some(expected):
    assert keep_full_precision(LightPropagation()) == expected
