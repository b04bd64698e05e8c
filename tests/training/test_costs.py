import torch
from torch import Tensor, nn

from civos_siaf.training.costs import step_costs
from civos_siaf.training.task import Losses, Task


class Two(Task):
    """Two layers, of which the first is frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(10, 20, bias=False), nn.ReLU(), nn.Linear(20, 30, bias=False))
        self.network[0].requires_grad_(False)
        self.architecture = "two"

    def forward(self, batch: dict[str, Tensor], step: int) -> Losses:
        return Losses(self.network(batch["x"]).sum())


def test_what_is_kept_and_done_is_counted():
    costs = step_costs(Two(), {"x": torch.zeros(4, 10)})
    assert (costs.parameters, costs.trained, costs.items) == (200 + 600, 600, 4)
    assert costs.activations == 4 * 20 * 4  # only what the second layer needs for its gradient
    assert costs.operations == 2 * 4 * (200 + 600)
    assert costs.memory(8) == 4 * (800 + 3 * 600) + 2 * costs.activations
    assert costs.memory(8, ema=True) - costs.memory(8) == 4 * 600
    assert costs.training(steps=10, items_per_step=2) == 3 * 10 * 2 * 2 * 800


def test_half_precision_keeps_half_as_much():
    whole = step_costs(Two(), {"x": torch.zeros(400, 10)})
    half = step_costs(Two(), {"x": torch.zeros(400, 10)}, half=True)
    assert half.activations < 0.6 * whole.activations + 2 * 800
