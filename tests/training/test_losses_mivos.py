import math

import pytest
import torch

from civos_siaf.networks.aggregate import aggregate_logits
from civos_siaf.training.losses import BootstrappedCrossEntropy, fusion_loss

LOSS = BootstrappedCrossEntropy(start=10, end=20, final_fraction=0.25)


def test_the_fraction_falls_from_one_to_the_final_one():
    assert [LOSS.fraction(i) for i in (0, 10, 15, 20, 99)] == [1, 1, 0.625, 0.25, 0.25]
    assert (fusion_loss(30_000).start, fusion_loss(30_000).end) == (6_000, 15_000)


def test_only_the_worst_pixels_count_in_the_end():
    logits = torch.zeros(2, 2, 1, 4)
    logits[0, 1, 0, 0], logits[1, 1, 0, :2] = 3, 1
    target = torch.zeros(2, 1, 4, dtype=torch.long)
    worst = [math.log(1 + math.e**3), math.log(1 + math.e)]
    assert float(LOSS(logits, target, 20)) == pytest.approx(sum(worst) / 2)
    batch = BootstrappedCrossEntropy(start=10, end=20, final_fraction=0.25, per_sample=False)
    assert float(batch(logits, target, 20)) == pytest.approx(sum(worst) / 2)
    logits[0, 1, 0, 1] = 3  # now the first image has both of the batch's worst pixels
    assert float(batch(logits, target, 20)) == pytest.approx(worst[0])
    assert float(LOSS(logits, target, 20)) == pytest.approx(sum(worst) / 2)


def test_gradients_reach_the_objects():
    prob = torch.full((2, 3, 4), 0.3, requires_grad=True)
    logits = aggregate_logits(prob)[None]
    LOSS(logits, torch.ones(1, 3, 4, dtype=torch.long), 0).backward()
    assert (prob.grad[0] < 0).all()
