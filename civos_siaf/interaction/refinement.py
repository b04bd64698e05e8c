"""How the clicks and the network's view of the image become logits: directly, or by refinement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from civos_siaf.interaction.transforms import Clicks
from civos_siaf.networks.click_inputs import NO_CLICK
from civos_siaf.networks.click_network import ClickNetwork
from civos_siaf.prompts import Click


def points_tensor(lists: Sequence[Sequence[Click]], *, limit: int | None = None) -> Tensor:
    """One list of clicks per image of a batch to (B, 2N, 3), rows (y, x, order), positive clicks first.

    Args:
        lists: the clicks of each image, in order.
        limit: only the first `limit` clicks of each list are used; None uses all
            (docs/specification/ritm.md section 8.2).
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


class Refinement(Protocol):
    """One way to get logits; what is kept from click to click lives in it."""

    def logits(
        self, network: ClickNetwork, image: Tensor, clicks: Sequence[Clicks], *, changed: bool
    ) -> Tensor:
        """Logits (B, 1, h, w) of the network's input (B, C, h, w) with one list of clicks per item.

        `changed` says that the image shows another region than the last time.
        """

    def reset(self) -> None:
        """Forget everything about the last image."""

    def snapshot(self) -> object:
        """The state, to come back to."""

    def restore(self, state: object) -> None:
        """Come back to a state of `snapshot`."""


class NoRefinement:
    """The network's answer as it is.

    Args:
        net_clicks_limit: only the first so many clicks are shown to the network; None shows all.
    """

    def __init__(self, net_clicks_limit: int | None = None) -> None:
        self.net_clicks_limit = net_clicks_limit

    def logits(
        self, network: ClickNetwork, image: Tensor, clicks: Sequence[Clicks], *, changed: bool
    ) -> Tensor:
        """Logits (B, 1, h, w) of the network's input (B, C, h, w) with one list of clicks per item."""
        points = points_tensor(clicks, limit=self.net_clicks_limit).to(image.device)
        logits: Tensor = network(image, points).instances
        return logits

    def reset(self) -> None:
        """Nothing to forget."""

    def snapshot(self) -> object:
        """Nothing to keep."""
        return None

    def restore(self, state: object) -> None:
        """Nothing to come back to."""
