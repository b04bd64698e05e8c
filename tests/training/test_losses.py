import pytest
import torch

from civos_siaf.training.losses import IGNORE_TARGET, binary_cross_entropy, normalized_focal_loss


def case() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 1, 6, 7, generator=generator, dtype=torch.float64)
    return logits, torch.randint(-1, 2, (2, 1, 6, 7), generator=generator)


@pytest.mark.parametrize("loss", [normalized_focal_loss, binary_cross_entropy])
def test_ignored_pixels_get_no_gradient(loss) -> None:
    logits, labels = case()
    logits.requires_grad_()
    loss(logits, labels).sum().backward()
    assert (logits.grad[labels == IGNORE_TARGET] == 0).all()
    assert (logits.grad[labels != IGNORE_TARGET] != 0).all()


def test_the_focal_weights_have_a_mean_of_one() -> None:
    logits = torch.full((1, 1, 4, 4), 0.3)
    labels = torch.ones(1, 1, 4, 4)
    expected = -0.5 * torch.log(torch.sigmoid(torch.tensor(0.3)))
    assert normalized_focal_loss(logits, labels).item() == pytest.approx(expected.item())


def test_cross_entropy_counts_ignored_pixels_in_its_mean() -> None:
    logits = torch.zeros(1, 1, 2, 2)
    labels = torch.tensor([[[[1, 0], [-1, -1]]]])
    assert binary_cross_entropy(logits, labels).item() == pytest.approx(torch.tensor(2.0).log().item() / 2)


def test_an_image_without_valid_pixels_costs_nothing() -> None:
    labels = torch.full((1, 1, 3, 3), IGNORE_TARGET)
    logits = torch.randn(1, 1, 3, 3, requires_grad=True)
    loss = normalized_focal_loss(logits, labels)
    loss.sum().backward()
    assert loss.item() == 0
    assert logits.grad.isfinite().all()
