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
