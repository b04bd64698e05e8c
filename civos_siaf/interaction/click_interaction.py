"""Clicks to masks as CiVOS does it: every object predicted once per round.

Source: docs/specification/clicks.md sections 2.6, 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.interaction.frame_interaction import FrameView
from civos_siaf.interaction.multi_object_predictor import MultiObjectClickPredictor
from civos_siaf.networks.aggregate import Background, aggregate
from civos_siaf.prompts import Click, Prompt, Prompts


class ClickInteraction:
    """Predicts the objects from this round's clicks and their previous masks, and makes them compete.

    Args:
        clicks: predicts each object by itself.
        previous: what the network sees as previous mask: the stored probability ("soft"), the present labels
            ("hard"), or nothing ("none").
        background: rule of the aggregation.
        resolve_overlaps: aggregate the probabilities; otherwise they are thresholded, overlaps stay, and
            where no object is, the padded rim included, is background.
        threshold: of the probability, without `resolve_overlaps`.

    Raises:
        ValueError: another kind of previous mask.
    """

    accepts: tuple[type[Prompt], ...] = (Click,)

    def __init__(
        self,
        clicks: MultiObjectClickPredictor,
        *,
        previous: Literal["soft", "hard", "none"] = "soft",
        background: Background = "min",
        resolve_overlaps: bool = True,
        threshold: float = 0.5,
    ) -> None:
        if previous not in ("soft", "hard", "none"):
            raise ValueError(f"previous must be soft, hard or none, got {previous!r}")
        self.clicks = clicks
        self.previous = previous
        self.background: Background = background
        self.resolve_overlaps = resolve_overlaps
        self.threshold = threshold

    def predict(self, view: FrameView, calls: Sequence[Prompts]) -> Tensor:
        """Masks (K+1, H, W), or padded (K+1, H', W'), index 0 = background. Clicks of all calls count."""
        prob = torch.from_numpy(
            self.clicks.predict(
                view.rgb,
                [click for prompts in calls for click in prompts.clicks],
                num_objects=view.num_objects,
                previous=self._previous(view),
                motion=view.motion() if self.clicks.uses_motion else None,
            )
        )
        if self.resolve_overlaps:
            return aggregate(prob, background=self.background, hard=True)
        objects = view.padding.pad((prob > self.threshold).float())
        return torch.cat([(objects.sum(dim=0, keepdim=True) == 0).float(), objects])

    def _previous(self, view: FrameView) -> NDArray[np.float32] | None:
        if self.previous == "none":
            return None
        if self.previous == "soft":
            prob = view.padding.crop(view.prob[1:])
        else:
            ids = torch.arange(1, view.num_objects + 1).view(-1, 1, 1)
            prob = view.padding.crop(torch.from_numpy(view.labels.copy()) == ids)
        # Rounding can leave a soft-max an ulp above one.
        return np.asarray(prob.float().clamp(0, 1).cpu().numpy())
