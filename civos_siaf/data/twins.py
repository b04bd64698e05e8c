"""Look-alikes: copies of an image's objects pasted beside them, which a click must tell apart."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.data.samples import ImageSample, ImageSource
from civos_siaf.data.warp import about, warp_image, warp_labels

MIN_PIXELS = 400
MOST = 0.35
"""Greatest share of the image that an object with a twin may cover."""
TRIES = 5


class TwinImages:
    """Images on some of which an object has got a twin: mirrored, resized, turned, of other brightness.

    The twin lies beside the object or behind it, and often touches it. See `ImageSource`.

    Args:
        images: where they come from.
        probability: of a twin.

    Raises:
        ValueError: not a probability.
    """

    def __init__(self, images: ImageSource, *, probability: float = 0.3) -> None:
        if not 0 <= probability <= 1:
            raise ValueError(f"probability must be in [0, 1], got {probability}")
        self.images, self.probability = images, probability

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> ImageSample:
        """See `ImageSource`; the twin is one more object, the last one."""
        sample = self.images[index]
        rng = np.random.default_rng((index, 0x7317))
        if rng.random() >= self.probability:
            return sample
        area = sample.masks.sum(axis=(1, 2))
        most = MOST * sample.image.shape[0] * sample.image.shape[1]
        chosen = np.flatnonzero((area >= MIN_PIXELS) & (area <= most))
        if not len(chosen):
            return sample
        return with_twin(sample, int(rng.choice(chosen)), rng)


def with_twin(sample: ImageSample, number: int, rng: np.random.Generator) -> ImageSample:
    """Paste a copy of object `number` behind all objects of the sample.

    Args:
        sample: the image and its objects.
        number: 0..N-1.
        rng: chooses place, size and look.
    """
    mask = sample.masks[number].astype(np.uint8)
    size = (mask.shape[0], mask.shape[1])
    taken = sample.masks.any(axis=0)
    for _ in range(TRIES):
        matrix = _beside(mask, rng)
        inside = warp_labels(mask, matrix, size) > 0
        seen = inside & ~taken
        if seen.sum() >= max(MIN_PIXELS, 0.5 * inside.sum()):
            break
    else:
        return sample
    copied = warp_image(sample.image, matrix, size).astype(np.float32)
    pasted = copied * rng.uniform(0.8, 1.2) + rng.uniform(-15, 15, 3)
    alpha = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), 0.8)
    alpha[taken] = 0
    below = sample.image.astype(np.float32)
    image = np.clip(np.rint(below + alpha[..., None] * (pasted - below)), 0, 255).astype(np.uint8)
    return ImageSample(sample.name, image, np.concatenate([sample.masks, seen[None]]))


def _beside(mask: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float64]:
    """From the object's place to one beside it, about its own size away."""
    left, top, width, height = cv2.boundingRect(mask)
    centre = (left + width / 2, top + height / 2)
    scale, turn = rng.uniform(0.7, 1.2), math.radians(rng.uniform(-15, 15))
    cos, sin = math.cos(turn), math.sin(turn)
    mirror = np.diag([-1.0 if rng.random() < 0.5 else 1.0, 1.0])
    linear = scale * np.array([[cos, -sin], [sin, cos]]) @ mirror
    angle = rng.uniform(0, 2 * math.pi)
    away = rng.uniform(0.6, 1.5)
    shift = (away * width * math.cos(angle), away * height * 0.6 * math.sin(angle))
    return np.asarray(about(linear, centre, shift), dtype=np.float64)
