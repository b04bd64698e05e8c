"""What refinement by back-propagation minimises: the error at the clicks (RITM spec 9.2)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from civos_siaf.prompts import Click


def click_marks(
    lists: Sequence[Sequence[Click]], size: tuple[int, int], *, radius: int = 1, mark_border: bool = False
) -> tuple[Tensor, Tensor]:
    """Squares around the clicks, one list of clicks per image: two maps (B, 1, H, W) of 0 and 1.

    Args:
        lists: the clicks of each image.
        size: (H, W).
        radius: the squares have side 2 * radius + 1; coordinates are rounded half to even.
        mark_border: mark clicks in the first `radius` rows and columns too; published: they are left out.

    Returns:
        Maps of the positive and of the negative clicks.
    """
    marks = torch.zeros(2, len(lists), 1, *size)
    for image, clicks in enumerate(lists):
        for click in clicks:
            row, column = round(click.y), round(click.x)
            top, left = row - radius, column - radius
            if mark_border:
                top, left = max(top, 0), max(left, 0)
            # A negative start counts from the end, which makes the slice empty: the published behaviour.
            marks[
                0 if click.positive else 1, image, 0, top : row + radius + 1, left : column + radius + 1
            ] = 1
    return marks[0], marks[1]


def brs_loss(prob: Tensor, positive: Tensor, negative: Tensor) -> tuple[Tensor, float, float]:
    """Mean squared error at the marked pixels of each sign, over all images together.

    Args:
        prob: probabilities (B, 1, H, W).
        positive: marks of the positive clicks, same shape.
        negative: marks of the negative clicks.

    Returns:
        The loss (scalar), the largest error at a positive mark and at a negative mark, in [0, 1].
    """
    miss, excess = (1 - prob) * positive, prob * negative
    loss = miss.square().sum() / (positive.sum() + 1e-5) + excess.square().sum() / (negative.sum() + 1e-5)
    return loss, float(miss.detach().abs().max()), float(excess.detach().abs().max())
