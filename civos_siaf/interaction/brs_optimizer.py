"""L-BFGS over a few variables of a click network, stopped when the clicks are satisfied.

Source: docs/specification/ritm.md section 9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import fmin_l_bfgs_b
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


Evaluate: TypeAlias = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Variables (n,) to logits (B, 1, H, W) and the penalty (scalar) on the variables."""


class ClickOptimizer:
    """Minimises the loss at the clicks.

    Args:
        prob_thresh: probability above which a pixel is object; clicks are satisfied on their side of it.
        max_evals: limit of evaluations of the network's tail.
        min_iou_diff: stop when the mask changes by less than this between two evaluations.
        mark_border: see `click_marks`.
    """

    def __init__(
        self,
        *,
        prob_thresh: float = 0.49,
        max_evals: int = 20,
        min_iou_diff: float = 0.01,
        mark_border: bool = False,
    ) -> None:
        self.prob_thresh = prob_thresh
        self.max_evals = max_evals
        self.min_iou_diff = min_iou_diff
        self.mark_border = mark_border
        self.losses: list[float] = []
        """Losses of the last minimisation, in the order of evaluation."""

    def minimize(
        self,
        evaluate: Evaluate,
        start: NDArray[np.float64],
        *,
        clicks: Sequence[Sequence[Click]],
        size: tuple[int, int],
        device: torch.device,
    ) -> tuple[NDArray[np.float64], Tensor]:
        """Optimise from `start` (n,).

        Returns:
            The final variables, and the logits with the lowest loss on the way.
        """
        marks = click_marks(clicks, size, mark_border=self.mark_border)
        objective = _Objective(self, evaluate, (marks[0].to(device), marks[1].to(device)))
        found, _, _ = fmin_l_bfgs_b(
            objective,
            start,
            m=20,
            factr=0,
            pgtol=1e-8,
            maxfun=self.max_evals,
            maxiter=2 * self.max_evals,
        )
        self.losses = objective.losses
        assert objective.best is not None
        return np.asarray(found), objective.best


class _Objective:
    """The function that L-BFGS calls, and what it remembers during one minimisation."""

    def __init__(self, settings: ClickOptimizer, evaluate: Evaluate, marks: tuple[Tensor, Tensor]) -> None:
        self.settings = settings
        self.evaluate = evaluate
        self.marks = marks
        self.losses: list[float] = []
        self.best: Tensor | None = None
        self.mask: Tensor | None = None

    def __call__(self, x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        with torch.enable_grad():
            device = self.marks[0].device
            variables = torch.from_numpy(x).float().to(device).requires_grad_()
            logits, penalty = self.evaluate(variables)
            prob = logits.sigmoid()
            error, worst_positive, worst_negative = brs_loss(prob, *self.marks)
            loss = error + penalty
        value = loss.item()
        if not self.losses or value < min(self.losses):
            self.best = logits.detach()
        self.losses.append(value)
        threshold = self.settings.prob_thresh
        # A gradient of zero is what makes L-BFGS stop.
        stop = np.zeros_like(x)
        if worst_positive < 1 - threshold and worst_negative < threshold:
            return value, stop
        mask = prob.detach() > threshold
        if self.mask is not None and _mean_iou(mask, self.mask) > 1 - self.settings.min_iou_diff:
            return value, stop
        self.mask = mask
        (gradient,) = torch.autograd.grad(loss, variables)
        return value, gradient.cpu().double().numpy()


def _mean_iou(a: Tensor, b: Tensor) -> float:
    """Mean over the images (B, 1, H, W) that are not empty in both; NaN, above nothing, if all are."""
    union = (a | b).sum(dim=(1, 2, 3))
    overlap = (a & b).sum(dim=(1, 2, 3))
    filled = union > 0
    return float((overlap[filled] / union[filled]).mean())
