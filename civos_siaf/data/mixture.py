"""Several sources as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np

from civos_siaf.data.samples import Clip, ClipSource, ImageSample, ImageSource, TrainingData, TrainingItem

UNITS = 1000
"""A mixture has so many numbers; shares are rounded to parts of it."""

MixtureSource = TypeVar("MixtureSource", ImageSource, ClipSource)


class _Mixture(Generic[MixtureSource]):
    """Numbers 0..999 shared out to sources in proportion to their weights."""

    def __init__(self, sources: Sequence[MixtureSource], weights: Sequence[float] | None = None) -> None:
        weights = [1.0] * len(sources) if weights is None else list(weights)
        if not sources or len(sources) != len(weights) or min(weights) <= 0:
            raise ValueError(f"expected a weight above 0 for each source, got {len(sources)} and {weights}")
        self.sources: list[MixtureSource] = list(sources)
        self._ends = np.rint(np.cumsum(weights) / sum(weights) * UNITS).astype(int)

    def __len__(self) -> int:
        return UNITS

    def source(self, index: int) -> MixtureSource:
        """The source to which a number belongs."""
        return self.sources[int(np.searchsorted(self._ends, index, side="right"))]


class ImageMixture(_Mixture[ImageSource]):
    """Images of several sources by weight; see `ImageSource`.

    A number chooses the source and, by a generator of its own, an image of it. The same number always gives
    the same image; a training that draws many numbers at random meets all images if `rounds` is large.

    Args:
        sources: where images come from.
        weights: how often, in proportion.
        rounds: the numbers run through the thousand parts so many times, each time with other images.
    """

    def __init__(
        self, sources: Sequence[ImageSource], weights: Sequence[float] | None = None, *, rounds: int = 1000
    ) -> None:
        super().__init__(sources, weights)
        self.rounds = rounds

    def __len__(self) -> int:
        return UNITS * self.rounds

    def __getitem__(self, index: int) -> ImageSample:
        """Read one, 0..len-1; always the same for the same number."""
        source = self.source(index % UNITS)
        return source[int(np.random.default_rng(index).integers(len(source)))]


class ClipMixture(_Mixture[ClipSource]):
    """Clips of several sources by weight; see `ClipSource`.

    Args:
        sources: where clips come from.
        weights: how often, in proportion.
    """

    def clip(self, index: int, rng: np.random.Generator, *, frames: int, gap: int) -> Clip:
        """A clip of any video of the source to which `index` belongs."""
        source = self.source(index)
        return source.clip(int(rng.integers(len(source))), rng, frames=frames, gap=gap)


class ItemMixture:
    """Items of several kinds by weight, of the same tensors; see `TrainingData`.

    Args:
        items: the kinds.
        weights: how often, in proportion.
    """

    def __init__(self, items: Sequence[TrainingData], weights: Sequence[float]) -> None:
        if not items or len(items) != len(weights) or min(weights) <= 0:
            raise ValueError(f"expected a weight above 0 for each kind, got {len(items)} and {list(weights)}")
        self.items = list(items)
        self._ends = np.cumsum(weights) / sum(weights)

    def item(self, index: int, rng: np.random.Generator, *, step: int) -> TrainingItem:
        """Item number `index` (0, 1, ... without end)."""
        kind = int(np.searchsorted(self._ends[:-1], rng.random(), side="right"))
        return self.items[kind].item(index, rng, step=step)


class ClipFrames:
    """Single frames of videos as images; see `ImageSource`.

    Args:
        clips: the videos.
        per_video: numbers per video; each is another frame of it, drawn once and for all.
    """

    def __init__(self, clips: ClipSource, *, per_video: int = 64) -> None:
        self.clips, self.per_video = clips, per_video

    def __len__(self) -> int:
        return len(self.clips) * self.per_video

    def __getitem__(self, index: int) -> ImageSample:
        """Read one, 0..len-1; always the same for the same number. One mask per object that is visible."""
        rng = np.random.default_rng(index)
        clip = self.clips.clip(index % len(self.clips), rng, frames=1, gap=1)
        values = [value for value in np.unique(clip.labels[0]) if 0 < value < 255]
        masks = np.stack([clip.labels[0] == value for value in values]) if values else clip.labels[:0] > 0
        return ImageSample(clip.name, clip.images[0], masks)
