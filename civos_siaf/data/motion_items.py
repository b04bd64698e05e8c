"""Items for training on clicked masks and motion: the middle of three frames, and how its pixels move."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from civos_siaf.data.first_clicks import FirstClicks
from civos_siaf.data.samples import TrainingData, TrainingItem
from civos_siaf.data.start_masks import corrupted, failed
from civos_siaf.masks import VOID
from civos_siaf.video.motion import CHANNELS, motion_maps


class MotionItems:
    """Adds motion and clicks to clip items; see `TrainingData`.

    An item holds `image` (3, H, W) in [0, 1], `mask` (1, H, W) of 0, 1 and -1 (unknown), `points` (2N, 3),
    first clicks, `motion` (8, H, W), and `start` (1, H, W) in [0, 1], a mask that went wrong.

    Args:
        items: clip items of three frames, with one object at least.
        clicks: draws the first clicks.
        still: probability of an item without motion, as of a photo.
        failures: share of the wrong masks that failed as a whole, see `failed`.

    Raises:
        ValueError: not a probability.
    """

    def __init__(
        self,
        items: TrainingData,
        *,
        clicks: FirstClicks | None = None,
        still: float = 0.1,
        failures: float = 0.5,
    ) -> None:
        for name, value in (("still", still), ("failures", failures)):
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {value}")
        self.items, self.clicks = items, clicks or FirstClicks()
        self.still, self.failures = still, failures

    def item(self, index: int, rng: np.random.Generator, *, step: int) -> TrainingItem:
        """Item number `index` (0, 1, ... without end)."""
        clip = self.items.item(index, rng, step=step)
        frames = (clip["images"].numpy().transpose(0, 2, 3, 1) * 255).round().astype(np.uint8)
        labels = clip["labels"][1].numpy()
        target, others = labels == 1, (labels > 1) & (labels != VOID)
        motion = motion_maps(frames[1], frames[::2])
        if rng.random() < self.still:
            motion = np.zeros_like(motion)
        points = self.clicks.draw([target] if target.any() else [], others, rng)
        mask = np.where(labels == VOID, -1, target).astype(np.float32)
        return {
            "image": clip["images"][1],
            "mask": torch.from_numpy(mask)[None],
            "points": torch.from_numpy(points),
            "motion": torch.from_numpy(motion).view(CHANNELS, *labels.shape),
            "start": torch.from_numpy(self._wrong(target, others, clip["images"][1].numpy(), rng))[None],
        }

    def _wrong(
        self,
        target: NDArray[np.bool_],
        others: NDArray[np.bool_],
        image: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> NDArray[np.float32]:
        mask, rest = target.astype(np.float32), others.astype(np.float32)
        if not mask.any():
            return mask
        return failed(mask, rest, image, rng) if rng.random() < self.failures else corrupted(mask, rest, rng)
