"""Frames of a data set in the DAVIS layout as single images to click on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from civos_siaf.benchmark.dataset import DavisDataset
from civos_siaf.benchmark.noc import Sample
from civos_siaf.masks import VOID


class VideoSamples:
    """Every n-th frame of each sequence with the union of its objects, as RITM evaluates DAVIS.

    Args:
        dataset: the sequences.
        every: n.
        min_area: leave out frames with fewer object pixels.
    """

    def __init__(self, dataset: DavisDataset, *, every: int = 10, min_area: int = 100) -> None:
        if every < 1:
            raise ValueError(f"every must be 1 or more, got {every}")
        self.dataset, self.every, self.min_area = dataset, every, max(min_area, 1)

    def __iter__(self) -> Iterator[Sample]:
        for sequence in self.dataset.sequences:
            truth, frames = self.dataset.annotations(sequence), self.dataset.frames(sequence)
            for t in range(0, len(truth), self.every):
                labels = np.where(truth[t] >= VOID, -1, truth[t] > 0).astype(np.int8)
                if (labels == 1).sum() >= self.min_area:
                    yield Sample(f"{sequence}/{t}", frames[t], labels)
