import torch

from civos_siaf.training.losses import AotLoss

LOSS = AotLoss(steps=100)


def sample(seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.zeros(2, 20, 24, dtype=torch.uint8)
    labels[:, 4:12, 3:14] = 1
    labels[0, 12:18, 5:20] = 2
    return torch.randn(2, 11, 5, 6, generator=generator), labels, torch.tensor([2, 1])


def test_unused_channels_do_not_count():
    logits, labels, counts = sample()
    changed = logits.clone()
    changed[0, 3:] += 5
    changed[1, 2:] += 5
    assert torch.equal(LOSS(logits, labels, counts, 3), LOSS(changed, labels, counts, 3))
    changed[1, 1] += 5
    assert not torch.equal(LOSS(logits, labels, counts, 3), LOSS(changed, labels, counts, 3))


def test_each_sample_is_by_itself():
    logits, labels, counts = sample()
    alone = [LOSS(logits[i : i + 1], labels[i : i + 1], counts[i : i + 1], 60)[0] for i in range(2)]
    assert torch.allclose(torch.stack(alone), LOSS(logits, labels, counts, 60))


def test_the_loss_rises_as_easy_pixels_drop_out_and_a_perfect_answer_costs_nothing():
    logits, labels, counts = sample()
    values = [float(LOSS(logits, labels, counts, step).mean()) for step in (0, 25, 50)]
    assert values == sorted(values)
    assert values[0] < values[-1]
    perfect = torch.nn.functional.one_hot(labels.long(), 11).permute(0, 3, 1, 2).float() * 50
    assert LOSS(perfect, labels, counts, 50).max() < 1e-4


def test_a_sample_with_unknown_pixels_only_costs_nothing():
    logits, labels, counts = sample()
    assert LOSS(logits, torch.full_like(labels, 255), counts, 0).tolist() == [0, 0]


def test_gradients_are_those_of_each_sample_alone():
    """Objects that a sample lacks are at minus infinity in a batch, which must not spoil its gradient."""
    logits, labels, counts = sample()
    labels[1, :3] = 255
    together = logits.clone().requires_grad_()
    LOSS(together, labels, counts, 30).sum().backward()
    assert together.grad.isfinite().all()
    assert (together.grad[1, 2:] == 0).all()
    for i in range(2):
        alone = logits[i : i + 1].clone().requires_grad_()
        LOSS(alone, labels[i : i + 1], counts[i : i + 1], 30).sum().backward()
        torch.testing.assert_close(together.grad[i : i + 1], alone.grad)


class Reading(torch.overrides.TorchFunctionMode):
    """Counts how often values are read from a device, where the program would wait for it."""

    def __init__(self):
        super().__init__()
        self.reads = 0

    def __torch_function__(self, function, types, arguments=(), keywords=None):
        name = getattr(function, "__name__", "")
        self.reads += name in ("tolist", "item", "__int__", "__bool__", "__float__", "nonzero", "unique")
        return function(*arguments, **(keywords or {}))


def test_a_batch_waits_for_the_device_once_however_large_it_is():
    logits, labels, counts = sample()
    for times in (1, 4):
        with Reading() as reading:
            LOSS(logits.repeat(times, 1, 1, 1), labels.repeat(times, 1, 1), counts.repeat(times), 30)
        assert reading.reads <= 1
