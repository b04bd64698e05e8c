"""What the objects of one video look like: a linear classifier on features, solved in closed form."""

from __future__ import annotations

import torch
from torch import Tensor

REGULARIZATION = 0.02
"""Of the mean variance of a feature."""
LEAST_SHARE = 1e-3
"""An object of a smaller share of the positions counts as if it had this."""


def fit_target_model(features: Tensor, masks: Tensor, weights: Tensor | None = None) -> Tensor:
    """Ridge regression from features to masks, object and background counting alike.

    Args:
        features: (P, N, D), positions of all annotated frames, a constant one among the features.
        masks: (P, N) in [0, 1].
        weights: (P, N) or (1, N), how much a position counts; None: all alike.

    Returns:
        (P, D) coefficients: the score of a position is about 1 on the object and -1 elsewhere.
    """
    x, y = features.detach().float(), masks.detach().float()
    count = torch.ones_like(y) if weights is None else weights.float().expand_as(y)
    inside, outside = y * count, (1 - y) * count
    least = LEAST_SHARE * count.sum(dim=1, keepdim=True)
    balanced = inside / inside.sum(1, keepdim=True).clamp(min=least) + outside / outside.sum(
        1, keepdim=True
    ).clamp(min=least)
    weighted = x * balanced[..., None]
    gram = weighted.transpose(1, 2) @ x
    scale = gram.diagonal(dim1=1, dim2=2).mean(dim=1)
    eye = torch.eye(x.shape[2], device=x.device)
    gram = gram + (REGULARIZATION * scale).clamp(min=1e-6)[:, None, None] * eye
    right = weighted.transpose(1, 2) @ (2 * y - 1)[..., None]
    return torch.as_tensor(torch.linalg.solve(gram, right)[..., 0])


def target_scores(model: Tensor, features: Tensor) -> Tensor:
    """Scores of positions, within -2..2.

    Args:
        model: (P, D) from `fit_target_model`.
        features: (P, N, D) or (1, N, D).

    Returns:
        (P, N).
    """
    return torch.einsum("pnd,pd->pn", features.float().expand(len(model), -1, -1), model).clamp(-2, 2)
