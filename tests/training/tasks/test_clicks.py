import numpy as np
import pytest
import torch

from civos_siaf.networks.light_clicks import LightClicks
from civos_siaf.training.seeds import step_rng
from civos_siaf.training.tasks.clicks import ClickTask, add_clicks, error_clicks, hard_iou
from tests.training.tasks.learning import learning


def batch(size=2, side=64, places=4, start=None):
    mask = torch.zeros(size, 1, side, side)
    mask[:, :, 16:48, 16:48] = 1
    points = torch.full((size, 2 * places, 3), -1.0)
    points[:, 0] = torch.tensor([30.0, 30.0, 100.0])
    torch.manual_seed(0)
    made = {
        "image": torch.rand(size, 3, side, side),
        "mask": mask,
        "points": points,
        "index": torch.arange(size),
    }
    return made if start is None else made | {"start": start}


class Recorder(LightClicks):
    """Notes what it is asked."""

    def __init__(self):
        super().__init__(internal_side=64, width=8, head_width=8)
        self.calls = []

    def forward(self, image, points):
        self.calls.append((self.training, torch.is_grad_enabled(), image[:, 3:].clone(), points.clone()))
        return super().forward(image, points)


def step_with(iterations, most=3):
    return next(step for step in range(100) if step_rng(step).integers(most + 1) == iterations)


def test_each_iteration_adds_a_click_to_the_last_answer():
    network = Recorder()
    task = ClickTask(network, architecture="light-clicks").train()
    task(batch(), step_with(2))
    modes = [(training, grad) for training, grad, _, _ in network.calls]
    assert modes == [(False, False), (False, False), (True, True)]
    previous = [mask for _, _, mask, _ in network.calls]
    assert not previous[0].any()
    assert previous[1].any()
    used = [(points[..., 0] >= 0).sum(dim=1).tolist() for *_, points in network.calls]
    assert used == [[1, 1], [2, 2], [3, 3]]
    # The k-th click takes the k-th place from the end of its sign, with index k.
    last = network.calls[-1][3]
    assert sorted(last[0, :, 2][last[0, :, 2] > 0].tolist()) == [1.0, 2.0, 100.0]
    assert network.training


def test_start_masks_replace_the_first_clicks():
    network = Recorder()
    start = torch.zeros(2, 1, 64, 64)
    start[1, :, 16:48, 16:32] = 1  # half of the object
    task = ClickTask(network, architecture="light-clicks").train()
    task(batch(start=start), step_with(0))
    _, _, previous, points = network.calls[0]
    assert (previous == start).all()
    assert points[0, 0].tolist() == [30, 30, 100]
    y, x, order = points[1, 0].tolist()
    assert 16 <= y < 48
    assert 32 <= x < 48
    assert order == 0
    assert (points[1, 1:] == -1).all()


def test_training_fits_a_batch():
    torch.manual_seed(1)
    task = ClickTask(
        LightClicks(internal_side=64, width=16, head_width=8), architecture="light-clicks", jaccard_weight=1.0
    ).train()
    # An image that shows the object.
    data = batch()
    data["image"] = data["mask"].expand(-1, 3, -1, -1) * 0.5 + 0.2 * data["image"]
    ious = []
    for losses in learning(task, lambda: data, steps=range(25), lr=3e-3):
        ious.append(float(losses.scalars["iou"]))
    assert ious[-1] > 0.8 > 0.7 > ious[0]
    assert task.eval().pictures(data).shape == (128, 256, 3)


def test_error_clicks_lie_inside_the_thicker_error():
    truth = np.zeros((40, 40), np.float32)
    truth[5:25, 5:25] = 1
    answer = np.zeros_like(truth)
    answer[30:38, 30:38] = 1  # a smaller excess
    for seed in range(20):
        [(y, x, positive)] = error_clicks(answer, truth, np.random.default_rng(seed), both_signs=False)
        assert positive
        assert 9 < y < 20
        assert 9 < x < 20
        both = error_clicks(answer, truth, np.random.default_rng(seed), both_signs=True)
        assert [click[2] for click in both] == [True, False]
        assert all(31 <= place <= 36 for place in both[1][:2])
    answer[5:25, 5:25] = 1
    [(y, x, positive)] = error_clicks(answer, truth, np.random.default_rng(0), both_signs=True)
    assert not positive
    assert 31 <= y <= 36
    assert 31 <= x <= 36
    assert error_clicks(truth, truth, np.random.default_rng(0), both_signs=True) == []
    truth[30:38, 30:38] = -1  # unknown is no error
    fixed = np.maximum(answer, truth)
    assert error_clicks(fixed, truth, np.random.default_rng(0), both_signs=False) == []


def test_clicks_do_not_depend_on_the_batch():
    data = batch(size=3)
    previous = torch.zeros_like(data["mask"])
    together, alone = data["points"].clone(), data["points"].clone()
    add_clicks(together, previous, data["mask"], data["index"], slot=2)
    for i in (2, 0, 1):
        part = slice(i, i + 1)
        add_clicks(alone[part], previous[part], data["mask"][part], data["index"][part], slot=2)
    assert torch.equal(together, alone)
    assert not torch.equal(together[0], together[1])


def test_hard_iou_leaves_unknown_pixels_out():
    logits = torch.tensor([[[[1.0, 1.0, -1.0, 1.0]]]])
    mask = torch.tensor([[[[1.0, 0.0, 1.0, -1.0]]]])
    assert float(hard_iou(logits, mask)) == pytest.approx(1 / 3)
