"""Clicks as the tensor that click networks take."""

from collections.abc import Sequence

import torch
from torch import Tensor

from civos_siaf.networks.click_maps import NO_CLICK
from civos_siaf.prompts import Click


def points_tensor(lists: Sequence[Sequence[Click]], *, limit: int | None = None) -> Tensor:
    """One list of clicks per image of a batch to (B, 2N, 3), rows (y, x, order), positive clicks first.

    Args:
        lists: the clicks of each image, in order.
        limit: only the first `limit` clicks of each list are used; None uses all (RITM spec 8.2).
    """
    signs = [[[c for c in clicks if c.positive], [c for c in clicks if not c.positive]] for clicks in lists]
    most = max((len(group) for pair in signs for group in pair), default=0)
    slots = max(1, most if limit is None else min(limit, most))
    points = torch.full((len(lists), 2, slots, 3), NO_CLICK)
    for image, clicks in enumerate(lists):
        used = [0, 0]
        for order, click in enumerate(clicks[:limit]):
            sign = 0 if click.positive else 1
            points[image, sign, used[sign]] = torch.tensor([click.y, click.x, order])
            used[sign] += 1
    return points.view(len(lists), 2 * slots, 3)
