"""Clicks to masks as MiVOS' tool does it: one object after the other, click by click.

Source: docs/specification/mivos.md section 9.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from civos_siaf.interaction.frame_interaction import FrameView
from civos_siaf.interaction.predictor import ClickPredictor
from civos_siaf.interaction.transforms import Clicks
from civos_siaf.networks.aggregate import aggregate
from civos_siaf.networks.padding import Padding
from civos_siaf.prompts import Click, Prompt, Prompts
from civos_siaf.video.frames import Rgb

MEAN_COLOUR = (124, 116, 104)
"""What zero after normalisation looks like, in whole steps."""


class BrsClickInteraction:
    """Every click is a prediction of its own; the object's mask replaces what it had, the others stay.

    The clicks of one object on one frame make a series that starts from nothing. Within one call the clicks
    are taken object by object, each in the order given.

    Args:
        predictor: one that is used for nothing else.
        threshold: of the probability.
        padded: the predictor sees the padded frame (published), in the nearest whole colour.
        forget_on_change: a series ends when another object is clicked (published); otherwise it goes on, with
            all clicks of the round.
    """

    accepts: tuple[type[Prompt], ...] = (Click,)

    def __init__(
        self,
        predictor: ClickPredictor,
        *,
        threshold: float = 0.5,
        padded: bool = True,
        forget_on_change: bool = True,
    ) -> None:
        self.predictor = predictor
        self.threshold = threshold
        self.padded = padded
        self.forget_on_change = forget_on_change
        self._image: Rgb | None = None
        self._clicks: Clicks = ()

    def predict(self, view: FrameView, calls: Sequence[Prompts]) -> Tensor:
        """Masks (K+1, H, W), or padded (K+1, H', W'), index 0 = background. Padded."""
        masks = view.prob[1:].clone()
        image = _padded(view.rgb, view.padding) if self.padded else view.rgb
        for object_id, series in self._series(calls):
            prob = self._run(image, self._shifted(series, view.padding))
            mask = torch.from_numpy(prob > self.threshold).float()
            masks[object_id - 1] = mask if self.padded else view.padding.pad(mask)
        return aggregate(masks, background="static", hard=True)

    def _series(self, calls: Sequence[Prompts]) -> Iterator[tuple[int, Clicks]]:
        """The objects in the order clicked, each with the clicks of its last series."""
        ordered = [click for prompts in calls for k in prompts.object_ids for click in prompts.of(k).clicks]
        if not self.forget_on_change:
            ordered.sort(key=lambda click: click.object_id)
        latest = {key: tuple(group) for key, group in groupby(ordered, key=lambda click: click.object_id)}
        yield from latest.items()

    def _run(self, image: Rgb, clicks: Clicks) -> np.ndarray:
        """The probability after the last of the clicks; goes on where the last call left off if it can."""
        known = len(self._clicks)
        same = self._image is not None and np.array_equal(self._image, image)
        if not same or not known or self._clicks != clicks[:known]:
            self.predictor.set_image(image)
            self._image, known = image, 0
        self._clicks = ()
        for click in clicks[known:]:
            self.predictor.add(click)
        self._clicks = clicks
        return self.predictor.probability

    def _shifted(self, clicks: Clicks, padding: Padding) -> Clicks:
        if not self.padded:
            return clicks
        return tuple(
            Click(c.frame, c.object_id, c.x + padding.left, c.y + padding.top, c.positive) for c in clicks
        )


def _padded(image: Rgb, padding: Padding) -> Rgb:
    channels = torch.tensor(image).permute(2, 0, 1)
    sides = (padding.left, padding.right, padding.top, padding.bottom)
    planes = [F.pad(plane, sides, value=value) for plane, value in zip(channels, MEAN_COLOUR, strict=True)]
    return np.ascontiguousarray(torch.stack(planes, dim=2).numpy())
