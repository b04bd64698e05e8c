"""Items for click training: an augmented image, one target on it, first clicks.

Source: docs/specification/ritm.md section 11.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from civos_siaf.data.first_clicks import FirstClicks
from civos_siaf.data.image_augment import ImageAugment
from civos_siaf.data.samples import ImageSample, ImageSource, TrainingItem

ATTEMPTS = 20


class ClickItems:
    """Draws training items from images; see `TrainingData`.

    An item holds `image` (3, H, W) in [0, 1], `mask` (1, H, W) 0 or 1, `others` (1, H, W) 0 or 1, all other
    objects, and `points` (2N, 3).

    Args:
        images: where they come from; drawn with replacement.
        augment: what is done to them.
        clicks: draws the first clicks.
        min_area: objects with fewer pixels after augmentation are background.
        merge: probability of a target of two objects.
        keep_empty: probability of keeping an image on which augmentation left no object.
    """

    def __init__(
        self,
        images: ImageSource,
        *,
        augment: ImageAugment | None = None,
        clicks: FirstClicks | None = None,
        min_area: int = 1000,
        merge: float = 0.15,
        keep_empty: float = 0.05,
    ) -> None:
        if len(images) == 0:
            raise ValueError("there are no images to train on")
        self.images = images
        self.augment, self.clicks = augment or ImageAugment(), clicks or FirstClicks()
        self.min_area, self.merge, self.keep_empty = min_area, merge, keep_empty

    def item(self, index: int, rng: np.random.Generator, *, step: int) -> TrainingItem:
        """Item number `index` (0, 1, ... without end)."""
        sample = self._draw(rng)
        kept = [mask for mask in sample.masks if mask.sum() >= self.min_area]
        count = 2 if len(kept) > 1 and rng.random() < self.merge else 1
        order = rng.permutation(len(kept))
        parts = [kept[i] for i in order[:count]]
        empty = np.zeros(sample.image.shape[:2], bool)
        target = np.any(parts, axis=0) if parts else empty
        others = np.any([kept[i] for i in order[count:]], axis=0) if len(kept) > count else empty
        points = self.clicks.draw(parts, others, rng)
        image = np.ascontiguousarray(sample.image.transpose(2, 0, 1))
        return {
            "image": torch.from_numpy(image).float() / 255,
            "mask": _plane(target),
            "others": _plane(others & ~target),
            "points": torch.from_numpy(points),
        }

    def _draw(self, rng: np.random.Generator) -> ImageSample:
        """An augmented image, most often one with an object."""
        for _ in range(ATTEMPTS):
            sample = self.images[int(rng.integers(len(self.images)))]
            for _ in range(4):
                augmented = self.augment(sample, rng)
                large = (augmented.masks.sum(axis=(1, 2)) >= self.min_area).any()
                if large or rng.random() < self.keep_empty:
                    return augmented
        return augmented


def _plane(mask: NDArray[np.bool_]) -> torch.Tensor:
    return torch.from_numpy(mask.astype(np.float32))[None]
