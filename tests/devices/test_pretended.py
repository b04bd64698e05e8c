import pytest
import torch
from torch import nn

from tests.devices.pretended import pretended


@pytest.mark.parametrize("kind", ["cuda", "meta"])
def test_tensors_come_go_and_are_computed_with(kind):
    with pretended(kind) as device:
        a = torch.arange(6.0, device=kind).view(2, 3)
        b = torch.ones(2, 3).to(device)
        made = [
            a,
            b,
            a.new_zeros(2),
            a.new_tensor([1.0]),
            torch.tensor([1], device=kind),
            torch.zeros_like(a),
        ]
        assert {x.device.type for x in made} == {kind}
        a[0] += 2
        view = b[1]
        view.mul_(3)
        a.copy_(a.cpu() * 2)
        total = (a + b).sum()
        assert total.device == device
        assert total.item() == 2 * (15 + 6) + 12
        assert (a > torch.tensor(5.0)).cpu().numpy().sum() == 5
        assert a[torch.tensor([1])].tolist() == a[[1]].tolist() == [[6, 8, 10]]
        a[[0]] = b[[1]]
        assert a.tolist() == [[3, 3, 3], [6, 8, 10]]


@pytest.mark.parametrize("kind", ["cuda", "meta"])
@pytest.mark.parametrize(
    "mixed",
    [
        lambda a, b: a + b,
        lambda a, b: b * a,
        lambda a, b: torch.cat([a, b]),
        lambda a, b: torch.where(b > 0, a, 0),
        lambda a, b: a.masked_fill(b > 0, 0),
        lambda a, b: b[a.long()],
        lambda a, b: a.gather(0, b.long()),
        lambda a, b: a.__setitem__(b.long(), b),
        lambda a, b: nn.functional.linear(a, b[None]),
        lambda a, b: a.numpy(),
    ],
)
def test_what_a_device_refuses_is_refused(kind, mixed):
    with pretended(kind) as device, pytest.raises((RuntimeError, TypeError)):
        mixed(torch.zeros(2).to(device), torch.zeros(2))


def test_a_network_moves_and_learns():
    def learned(device):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 1))
        network.to(device)
        optimizer = torch.optim.AdamW(network.parameters())
        for _ in range(2):
            optimizer.zero_grad()
            network(torch.randn(2, 3, 8, 8).to(device)).square().sum().backward()
            optimizer.step()
        assert {p.device.type for p in network.parameters()} == {torch.device(device).type}
        return {name: value.cpu().tolist() for name, value in network.state_dict().items()}

    with pretended("meta") as device:
        there = learned(device)
    here = learned("cpu")
    assert there.keys() == here.keys()
    for name, value in here.items():
        torch.testing.assert_close(torch.tensor(there[name]), torch.tensor(value))


def test_afterwards_all_is_as_before():
    with pretended("cuda"):
        pass
    with pytest.raises((RuntimeError, AssertionError)):
        torch.zeros(1, device="cuda:99")
    with torch.inference_mode():
        assert torch.zeros(1).is_inference()
