import torch

from civos_siaf.networks.motion_refiner import MotionRefiner
from civos_siaf.training.tasks.motion import MotionTask
from tests.training.tasks import test_clicks
from tests.training.tasks.learning import learning


def batch(size=4):
    """A square moves, and the wrong masks have its left half alone."""
    made = test_clicks.batch(size)
    motion = torch.zeros(size, 8, 64, 64)
    motion[:, 0::2, 16:48, 16:48] = 3
    start = made["mask"].clone()
    start[..., 32:] = 0
    return made | {"motion": motion, "start": start}


def task(**options):
    clicks = test_clicks.Recorder().eval()
    return MotionTask(MotionRefiner(width=4), clicks, architecture="light-motion", **options)


def test_the_click_network_is_asked_and_stays_as_it_is():
    made = task(corrected=0.0, replaced=0.0, max_iterations=2).train()
    before = {name: value.clone() for name, value in made.clicks.state_dict().items()}
    losses = made(batch(), test_clicks.step_with(1, most=2))
    losses.total.backward()
    assert [(training, grad) for training, grad, _, _ in made.clicks.calls] == [(False, False)] * 2
    assert all(torch.equal(before[name], value) for name, value in made.clicks.state_dict().items())
    assert all(parameter.grad is None for parameter in made.clicks.parameters())
    assert losses.scalars["iou"] == losses.scalars["iou_before"]  # untrained: nothing is changed


def test_wrong_masks_are_shown_and_stand_for_answers():
    made = task(corrected=1.0, replaced=0.0, max_iterations=0).train()
    made(batch(), 0)
    previous, points = made.clicks.calls[0][2:]
    assert torch.equal(previous, batch()["start"])
    assert (points[:, 0, 1] >= 32).all()  # clicked where the mask lacks something
    made = task(corrected=0.0, replaced=1.0).train()
    logits, _ = made._answers(batch(), 0)
    assert torch.equal(logits > 0, batch()["start"] > 0.5)


def test_what_moves_together_is_learned():
    made = task(corrected=0.0, replaced=1.0, max_iterations=0)
    found = [float(losses.total.detach()) for losses in learning(made, batch, steps=range(40), lr=2e-2)]
    assert found[-1] < 0.4 * found[0]


def test_pictures_have_a_row_per_item():
    picture = task().eval().pictures(batch())
    assert picture.shape == (4 * 64, 5 * 64, 3)
