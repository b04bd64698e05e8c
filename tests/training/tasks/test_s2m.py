import numpy as np
import pytest
import torch

from civos_siaf.networks.s2m import LightS2m, S2m
from civos_siaf.training.losses import BootstrappedCrossEntropy
from civos_siaf.training.tasks.s2m import S2mTask
from tests.data.test_s2m_items import source
from tests.training.tasks.learning import learning

LOSS = BootstrappedCrossEntropy(start=100, end=200, per_sample=False)


def batch(size=4):
    items = [source().item(i, np.random.default_rng(i), step=0) for i in range(size)]
    together = {name: torch.stack([item[name] for item in items]) for name in items[0]}
    return together | {"index": torch.arange(size)}


def test_training_on_one_batch_lowers_its_loss():
    torch.manual_seed(0)
    task, data = S2mTask(LightS2m(width=16), architecture="light-s2m", loss=LOSS).train(), batch()
    losses = []
    for outcome in learning(task, lambda: data, steps=range(15), lr=1e-3):
        losses.append(float(outcome.total.detach()))
    assert losses[-1] < 0.7 * losses[0]
    assert set(outcome.scalars) == {"iou", "iou_previous"}
    assert task.eval().pictures(data).shape == (4 * 66, 4 * 66, 3)


def test_the_published_network_can_be_trained():
    task = S2mTask(S2m(), architecture="mivos-s2m", loss=LOSS).train()
    task(batch(2), 0).total.backward()
    assert all(p.grad is not None for p in task.network.parameters())


def test_a_perfect_answer_costs_nothing_and_scores_one():
    class Perfect(torch.nn.Module):
        def forward(self, inputs):
            return 40 * data["mask"] - 20

    data = batch()
    outcome = S2mTask(Perfect(), architecture="light-s2m", loss=LOSS)(data, 0)
    assert float(outcome.total) < 1e-4
    assert float(outcome.scalars["iou"]) == 1
    assert float(outcome.scalars["iou_previous"]) == pytest.approx(
        float(
            torch.stack(
                [
                    ((a * b).sum() / ((a + b) > 0).sum().clamp(min=1))
                    for a, b in zip(data["mask"], data["previous"], strict=True)
                ]
            ).mean()
        ),
        abs=1e-5,
    )
