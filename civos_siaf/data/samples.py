"""What training data consists of: images with object masks, clips with label maps, and their sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

TrainingItem: TypeAlias = dict[str, Tensor]
"""One training example, or a batch of them, by name; tensors of one name have one shape for all examples."""


@dataclass(frozen=True, eq=False)
class ImageSample:
    """An image and its objects.

    Attributes:
        name: for messages.
        image: (H, W, 3) uint8.
        masks: (N, H, W) bool; objects may overlap, and N may be 0.
    """

    name: str
    image: NDArray[np.uint8]
    masks: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.masks.ndim != 3 or self.masks.shape[1:] != self.image.shape[:2]:
            raise ValueError(f"{self.name}: masks {self.masks.shape}, image {self.image.shape}")


@dataclass(frozen=True, eq=False)
class Clip:
    """Some frames of a video, in the order in which they are shown, and their labels.

    Attributes:
        name: for messages.
        images: (T, H, W, 3) uint8.
        labels: (T, H, W) uint8; 0 background, 1..K objects, 255 unknown.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.shape[:3] != self.labels.shape:
            raise ValueError(f"{self.name}: images {self.images.shape}, labels {self.labels.shape}")


class ImageSource(Protocol):
    """Images that can be asked for by number."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, index: int) -> ImageSample:
        """Read one, 0..len-1; always the same for the same number."""


class ClipSource(Protocol):
    """Videos, or what can be made to look like one, from which clips are drawn."""

    def __len__(self) -> int:
        """How many videos there are."""

    def clip(self, index: int, rng: np.random.Generator, *, frames: int, gap: int) -> Clip:
        """Draw a clip of video `index`; the same for the same generator state.

        Args:
            index: 0..len-1.
            rng: all randomness comes from here.
            frames: T.
            gap: at most so many frames of the video lie between two of the clip, plus one.
        """


class TrainingData(Protocol):
    """Endless training items; an item depends on its number and the step only, never on what came before."""

    def item(self, index: int, rng: np.random.Generator, *, step: int) -> TrainingItem:
        """Item number `index` (0, 1, ... without end).

        Args:
            index: counts all items of a training.
            rng: seeded for this index; all randomness comes from here.
            step: the optimiser step that the item is for, for curricula.
        """
