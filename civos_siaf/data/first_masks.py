"""First masks of clips as clicks leave them: not quite right."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from civos_siaf.data.samples import TrainingData, TrainingItem
from civos_siaf.data.start_masks import corrupted
from civos_siaf.masks import VOID


class WithFirstMasks:
    """Adds `first` (H, W) int64 to clip items: labels of the first frame, for some of them corrupted.

    Args:
        items: clip items with `labels` (T, H, W).
        probability: of corrupted masks.

    Raises:
        ValueError: not a probability.
    """

    def __init__(self, items: TrainingData, *, probability: float = 0.3) -> None:
        if not 0 <= probability <= 1:
            raise ValueError(f"probability must be in [0, 1], got {probability}")
        self.items, self.probability = items, probability

    def item(self, index: int, rng: np.random.Generator, *, step: int) -> TrainingItem:
        """See `TrainingData`."""
        item = dict(self.items.item(index, rng, step=step))
        truth = item["labels"][0].numpy()
        first = np.where(truth == VOID, 0, truth)
        if rng.random() < self.probability:
            first = self._corrupted(first, rng)
        item["first"] = torch.from_numpy(first.copy())
        return item

    @staticmethod
    def _corrupted(truth: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Labels (H, W) with every object corrupted by itself; of two that claim a pixel the surer has it."""
        planes = [np.full(truth.shape, 0.5, np.float32)]
        for k in range(1, int(truth.max(initial=0)) + 1):
            mask = (truth == k).astype(np.float32)
            others = ((truth > 0) & (truth != k)).astype(np.float32)
            planes.append(corrupted(mask, others, rng) if mask.any() else mask)
        return np.asarray(np.stack(planes).argmax(axis=0), np.int64)
