import pytest
import torch
from torch import nn

from civos_siaf.training.tasks.clicks import ClickTask
from civos_siaf.training.tasks.interaction import InteractionTask
from tests.training.tasks.cases import CASES
from tests.training.tasks.test_clicks import step_with


class Passes:
    """Which layers ran without gradient while autocast keeps the weights that it cast for them."""

    def __init__(self, network):
        self.without, self.wrong, self.count = set(), set(), 0
        for name, module in network.named_modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.register_forward_pre_hook(lambda *_, name=name: self._ran(name))

    def _ran(self, name):
        if not torch.is_grad_enabled():
            self.without.add(name)
            self.count += 1
        elif name in self.without:
            self.wrong.add(name)

    def cleared(self):
        self.without.clear()


@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
def test_passes_without_gradient_leave_no_cast_weights(make, monkeypatch):
    torch.manual_seed(0)
    task, batch = make()
    learned = []
    for half in (False, True):
        task.train().zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half), monkeypatch.context() as patched:
            passes, clear = Passes(task.network), torch.clear_autocast_cache
            # What older versions of torch would go on with has no gradient.
            patched.setattr(torch, "clear_autocast_cache", lambda p=passes, c=clear: (p.cleared(), c()))
            task(batch, step_with(2)).total.backward()
        assert not passes.wrong
        learned.append({name for name, p in task.network.named_parameters() if p.grad is not None})
    assert learned[0] == learned[1]
    assert bool(passes.count) == isinstance(task, ClickTask | InteractionTask)
