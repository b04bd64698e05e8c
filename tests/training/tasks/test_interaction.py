import numpy as np
import pytest
import torch
from torch import nn

from civos_siaf.data.users.marks import NOT_MARKED, MarkUser
from civos_siaf.training.losses import AotLoss
from civos_siaf.training.tasks.interaction import InteractionTask, answer, clip_one_hot, scores
from tests.training.tasks.learning import learning
from tests.training.tiny_interaction import TinyInteraction

SIDE = 64


def batch(frames=2, on_policy=(False, False), seed=0):
    rng = np.random.default_rng(seed)
    images = torch.from_numpy(rng.random((2, frames, 3, SIDE, SIDE), dtype=np.float32))
    labels = torch.zeros(2, frames, SIDE, SIDE, dtype=torch.int64)
    for t in range(frames):
        labels[0, t, 8 + 4 * t : 30 + 4 * t, 10:34] = 1
        labels[0, t, 36:60, 20 + 4 * t : 50 + 4 * t] = 2
        labels[1, t, 20:50, 5 + 4 * t : 40 + 4 * t] = 1
    for number, value in ((1, 0.9), (2, 0.1)):
        images[(labels == number).unsqueeze(2).expand_as(images)] = value
    marks = torch.full_like(labels, NOT_MARKED)
    marks[0, 0, 14:20, 20:22], marks[0, 0, 40:50, 30:32], marks[1, 0, 30:40, 20:22] = 1, 2, 1
    return {
        "images": images,
        "labels": labels,
        "num_objects": torch.tensor([2, 1]),
        "marks": marks,
        "previous": torch.full_like(labels, NOT_MARKED),
        "on_policy": torch.tensor(on_policy),
        "index": torch.tensor([4, 5]),
    }


def make(network=None, **options):
    torch.manual_seed(0)
    loss = AotLoss(steps=100, align_corners=False)
    return InteractionTask(
        network or TinyInteraction(), architecture="tiny", loss=loss, user=MarkUser(min_area=10), **options
    )


class Copies(nn.Module):
    """Answers with the previous masks, or the marks."""

    def __init__(self, what):
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(()))
        self.what = what

    def quarter(self, images, marks, previous):
        planes = (marks, previous)[self.what]
        return 9 * planes[..., 2::4, 2::4] + self.unused


def test_identities_go_to_random_channels_and_come_back():
    data = batch()
    data["previous"] = data["labels"].clone()
    task = make(Copies(1))
    outcome = task(data, 3)
    assert float(outcome.scalars["iou"]) > 0.8
    orders = torch.cat([task._order(data["index"], step) for step in range(20)])
    assert (orders[:, 0] == 0).all()
    assert (orders.sort(dim=1).values == torch.arange(11)).all()
    assert len({tuple(order) for order in orders.tolist()}) == len(orders)
    # The loss does not depend on where they were.
    assert torch.isclose(outcome.total, make(Copies(1))(data | {"index": data["index"] + 7}, 3).total)


def test_marks_masks_and_frames_of_an_item_share_an_order():
    task, data = make(), batch()
    data["previous"] = data["labels"].clone()
    task(data, 1)
    _, marks, previous, *_ = task.network.seen[0]
    order = task._order(data["index"], 1)
    for i in range(2):
        for number in range(int(data["num_objects"][i]) + 1):
            channel = int(order[i, number])
            assert torch.equal(marks[i, :, channel], (data["marks"][i] == number).float())
            assert torch.equal(previous[i, :, channel], (data["labels"][i] == number).float())
    assert previous.sum(dim=2).eq(1).all()


def test_what_is_unknown_is_zero_in_all_planes():
    order = torch.arange(11).flip(0)[None]
    planes = clip_one_hot(torch.tensor([[[[-1, 0, 10]]]]), order)
    assert planes.shape == (1, 1, 11, 1, 3)
    assert planes[0, 0, :, 0].argmax(dim=0)[1:].tolist() == [10, 0]
    assert planes[0, 0, :, 0].sum(dim=0).tolist() == [0, 1, 1]


def test_training_on_one_batch_lowers_its_loss():
    task = make().train()
    losses = []
    for outcome in learning(task, batch, steps=[0] * 20, lr=1e-2):
        assert all(p.grad is not None for p in task.network.parameters())
        losses.append(float(outcome.total.detach()))
    assert losses[-1] < 0.7 * losses[0]
    assert task.pictures(batch(on_policy=(True, False))).shape == (6 * (SIDE + 2), 2 * (SIDE + 2), 3)


def test_on_policy_items_are_answered_first_and_then_corrected():
    task = make().train()
    data = batch(on_policy=(False, True))
    outcome = task(data, 0)
    first, second = task.network.seen
    assert [len(first[0]), len(second[0])] == [1, 2]
    assert first[3:] == (False, False)
    assert second[3:] == (True, True)
    assert task.network.training
    # The first item is as it was, the second has a mask everywhere, and other marks.
    assert second[2][0].sum() == 0
    assert second[2][1].sum(dim=1).eq(1).all()
    assert not torch.equal(second[1][1], first[1][0])
    assert torch.equal(data["previous"], batch()["previous"])
    assert float(outcome.scalars["on_policy"]) == 0.5
    again = make().train()
    again.network.load_state_dict(make().network.state_dict())
    assert torch.equal(again(data, 0).total, outcome.total)


def test_the_first_pass_takes_no_gradient_away_in_half_precision():
    task = make().train()
    with torch.autocast("cpu", torch.bfloat16):
        task(batch(on_policy=(True, True)), 0).total.backward()
    assert all(p.grad is not None for p in task.network.parameters())


def test_the_users_corrections_are_where_the_network_was_wrong():
    task = make(Copies(0))
    data = batch(on_policy=(True, True))
    out = task.second_round(data, 0)
    # A network that knows only the marks misses nearly all.
    assert (out["previous"] >= 0).all()
    drawn = out["marks"] > 0
    assert drawn.any()
    assert torch.equal(out["marks"][drawn], out["labels"][drawn])
    assert not torch.equal(out["marks"], data["marks"])


def test_scores_tell_migration_apart():
    data = batch()
    predicted = data["labels"].clone()
    predicted[:, 1] = 0
    found = scores(predicted, data)
    assert float(found["iou"]) == pytest.approx(0.5)
    # On the second frame nothing is marked.
    assert float(found["migrated"]) == 0
    assert float(scores(data["labels"], data)["migrated"]) == 1
    assert "migrated" not in scores(predicted, data | {"previous": data["labels"]})
    unknown = data | {"labels": torch.full_like(data["labels"], 255)}
    assert float(scores(predicted, unknown)["iou"]) == 1


def test_answers_are_numbers_of_objects_that_are_there():
    logits = torch.zeros(1, 1, 11, 4, 4)
    logits[:, :, 3], logits[:, :, 2] = 5, 1
    assert answer(logits, (16, 16), torch.tensor([2])).eq(2).all()
    assert answer(logits, (16, 16), torch.tensor([3])).eq(3).all()


def test_frozen_norms_keep_their_statistics():
    assert make().train().network.norm.training
    assert not make(freeze_bn=["norm"]).train().network.norm.training
    with pytest.raises(ValueError, match="'trunk'"):
        make(freeze_bn=["trunk"])


def test_more_than_ten_objects_are_an_error():
    with pytest.raises(ValueError, match=r"\[11, 1\] objects, 10 at most"):
        make()(batch() | {"num_objects": torch.tensor([11, 1])}, 0)
