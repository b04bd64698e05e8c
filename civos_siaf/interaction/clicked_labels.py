"""Clicks on one frame, object by object, as labels: a click network beside one for strokes (spec siaf 2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from civos_siaf.aggregate import aggregate
from civos_siaf.frames import Rgb
from civos_siaf.interaction.round_clicks import RoundClicks
from civos_siaf.masks import one_hot
from civos_siaf.prompts import Click


class ClickedLabels:
    """Predicts clicked objects by a click network; where several claim a pixel the surest has it.

    Args:
        clicks: predicts each object by itself.
    """

    def __init__(self, clicks: RoundClicks) -> None:
        self.clicks = clicks

    def predict(
        self, rgb: Rgb, clicks: Sequence[Click], *, num_objects: int, before: NDArray[np.uint8] | None
    ) -> NDArray[np.uint8]:
        """Labels (H, W).

        Args:
            rgb: (H, W, 3) uint8.
            clicks: all of this frame, for objects 1..K.
            num_objects: K.
            before: labels (H, W) that the clicks correct; None: nothing is known.
        """
        previous = None if before is None else one_hot(before, num_objects)[1:].astype(np.float32)
        prob = self.clicks.predict(rgb, clicks, num_objects=num_objects, previous=previous)
        sure = aggregate(torch.from_numpy(prob), background="min", hard=True)
        return np.asarray(sure.argmax(dim=0).to(torch.uint8).numpy())
