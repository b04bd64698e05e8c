import copy

import pytest
import torch

from civos_siaf.networks.afi import variants
from civos_siaf.networks.afi.backbones import SwinBackbone
from civos_siaf.training.costs import step_costs
from civos_siaf.training.start import afi_network
from tests.training.tasks.test_interaction import batch, make


@pytest.fixture(scope="module")
def pair():
    """The same task twice, the second one with recomputation."""
    torch.manual_seed(0)
    backbone = SwinBackbone(depths=(2, 2, 6, 2), drop_path=0.5)
    plain = make(variants.published(backbone, width=32, low_width=16))
    other = copy.deepcopy(plain)
    other.network.backbone.recompute = True
    return plain, other


@pytest.mark.parametrize("half", [False, True])
def test_loss_and_gradients_stay_the_same(pair, half):
    data, totals = batch(on_policy=(True, False)), []
    for task in pair:
        task.train().zero_grad()
        torch.manual_seed(3)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            totals.append(task(data, 0).total)
        totals[-1].backward()
    assert torch.equal(*totals)
    assert totals[0] > 0
    for (name, p), q in zip(pair[0].named_parameters(), pair[1].parameters(), strict=True):
        assert torch.allclose(p.grad, q.grad, rtol=1e-5, atol=1e-6 * float(p.grad.abs().max())), name


def test_less_is_kept(pair):
    # Blocks of a batch without dropped ones, which keep nothing.
    kept = [step_costs(task, batch()).activations for task in pair]
    assert kept[1] < 0.5 * kept[0]


def test_blocks_run_once_without_training(pair):
    data, calls = batch(), [0, 0]
    for i, task in enumerate(pair):
        block, task = task.network.backbone.layers[0].blocks[0], task.eval()
        hook = block.register_forward_hook(lambda *_, i=i: calls.__setitem__(i, calls[i] + 1))
        task(data, 0).total.backward()
        hook.remove()
        task.zero_grad()
    assert calls == [1, 1]


def test_a_network_without_blocks_says_so():
    for name in ("light-interaction", "afi-light"):
        with pytest.raises(ValueError, match=f"{name} has no blocks to recompute, only afi-swinb has"):
            afi_network(name, recompute=True)
    assert afi_network("afi-swinb", recompute=True).backbone.recompute
    assert not afi_network("afi-swinb").backbone.recompute
