import copy

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from civos_siaf.networks.afi.backbones import MobileNetBackbone
from civos_siaf.training.ema import Ema
from civos_siaf.training.network_changes import share_statistics
from civos_siaf.training.task import Task
from tests.training.tasks.cases import CASES
from tests.training.tiny import TinyTask


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request):
    torch.manual_seed(0)
    return request.param()


def norms(task):
    return {name: module for name, module in task.named_modules() if isinstance(module, _BatchNorm)}


def test_which_norms_share(case):
    task, _ = case
    trained = {name for name, module in norms(task.train()).items() if module.training}
    assert share_statistics(task) == len(trained)
    shared = {name for name, module in norms(task).items() if isinstance(module, nn.SyncBatchNorm)}
    assert shared == trained
    for mode, expected in ((False, set()), (True, trained)):
        task.train(mode)
        assert {name for name, module in norms(task).items() if module.training} == expected


def test_nothing_changes_in_one_process(case):
    task, batch = case
    other = copy.deepcopy(task)
    share_statistics(other)
    outcomes = []
    for one in (task, other):
        torch.manual_seed(1)
        one.train()
        one(batch, 0).total.backward()
        # With the statistics of that batch.
        outcomes.append(one.eval()(batch, 3).total)
    assert torch.allclose(*outcomes, rtol=1e-5)
    own, others = task.state_dict(), other.state_dict()
    assert list(own) == list(others)
    assert all(torch.allclose(own[name], others[name]) for name in own)
    for p, q in zip(task.parameters(), other.parameters(), strict=True):
        assert (p.grad is None) == (q.grad is None)
        if p.grad is not None:
            assert torch.allclose(p.grad, q.grad, rtol=1e-3, atol=1e-5 * float(p.grad.abs().max()))


def test_what_was_made_before_goes_on(case):
    task, _ = case
    tensors = {**dict(task.named_parameters()), **dict(task.named_buffers())}
    ema = Ema(task.network, decay=0.5)
    share_statistics(task)
    after = {**dict(task.named_parameters()), **dict(task.named_buffers())}
    assert list(after) == list(tensors)
    # An optimiser holds the parameters themselves.
    assert all(after[name] is tensor for name, tensor in tensors.items())
    with torch.no_grad():
        for tensor in task.network.state_dict().values():
            tensor.add_(1)
    ema.update(task.network, 10**6)
    assert list(ema.network.state_dict()) == list(task.network.state_dict())
    for left, right in zip(ema.network.buffers(), task.network.buffers(), strict=True):
        assert torch.equal(left, right)


class Backbone(Task):
    architecture = "backbone"

    def __init__(self):
        super().__init__()
        self.network = MobileNetBackbone()

    def forward(self, batch, step):
        raise NotImplementedError


def test_a_backbone_that_keeps_its_statistics_is_left_alone():
    task = Backbone()
    assert share_statistics(task) == 0
    assert not any(module.training for module in norms(task).values())
    # Nor would a norm that shares its statistics take new ones there.
    nn.SyncBatchNorm.convert_sync_batchnorm(task).train()
    assert norms(task)
    assert not any(module.training for module in norms(task).values())


def test_norms_without_statistics_or_scales():
    task = TinyTask()
    task.network.body[1] = nn.BatchNorm2d(4, affine=False, track_running_stats=False)
    before = task.network(torch.ones(2, 3, 8, 8))
    assert share_statistics(task) == 1
    assert task.network.body[1].running_mean is None
    assert task.network(torch.ones(2, 3, 8, 8)).shape == before.shape
