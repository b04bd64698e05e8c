import pytest
import torch

from civos_siaf.networks.aggregate import aggregate


def test_the_result_is_a_distribution_and_certain_pixels_stay() -> None:
    prob = torch.tensor([[0.0, 1.0, 0.3], [0.0, 0.0, 0.6]])
    joint = aggregate(prob)
    assert torch.allclose(joint.sum(0), torch.ones(3))
    assert joint.argmax(0).tolist() == [0, 1, 2]


def test_several_weak_objects_win_under_the_product_only() -> None:
    weak = torch.tensor([[0.4], [0.45], [0.4]])
    assert aggregate(weak).argmax(0).item() == 2
    assert aggregate(weak, background="min").argmax(0).item() == 0


def test_hard_is_nearly_one_hot_and_ties_share() -> None:
    joint = aggregate(torch.tensor([[0.6, 0.5], [0.55, 0.5]]), background="min", hard=True)
    assert joint[1, 0] > 0.999
    assert torch.allclose(joint[:, 1], torch.full((3,), 1 / 3), atol=1e-3)


def test_wrong_calls() -> None:
    with pytest.raises(ValueError, match="at least one object"):
        aggregate(torch.zeros(0, 3, 3))
    with pytest.raises(ValueError, match="background must be product, min or static, got 'max'"):
        aggregate(torch.zeros(1, 3, 3), background="max")
