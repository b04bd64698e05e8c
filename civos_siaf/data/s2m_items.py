"""Items for scribble-to-mask: an image, an object, what was there before and scribbles.

Source: docs/specification/mivos.md section 3.3.
"""

from __future__ import annotations

import numpy as np
import torch

from civos_siaf.data.colour import Jitter
from civos_siaf.data.samples import ImageSample, ImageSource, TrainingItem
from civos_siaf.data.users.damage import damaged
from civos_siaf.data.users.morphology import Mask
from civos_siaf.data.users.scribbles import ScribbleUser
from civos_siaf.data.warp import Matrix, Motion, crop_resize, warp_image, warp_labels

ATTEMPTS = 20


class S2mItems:
    """Draws training items from images; see `TrainingData`.

    An item holds `image` (3, S, S) in [0, 1], and `previous`, `positive`, `negative` and `mask`, the truth,
    (1, S, S) of 0 and 1.

    Args:
        images: where they come from; drawn with replacement.
        user: draws the scribbles.
        size: S, side of the crop.
        short_side: images are resized to it first.
        motion: random geometry.
        jitter: random colour.
        min_area: an object has at least so many pixels in the image.
        from_zero: probability of an empty previous mask.
        target: range of the IoU of other previous masks.
        neighbour: how often another object plays a part, when there is a previous mask; 0.75 for LVIS, 0 for
            images of one object.
        neighbour_area: least area of that one.
        neighbour_target: IoU of its mask where it has to be erased.
    """

    def __init__(
        self,
        images: ImageSource,
        *,
        user: ScribbleUser | None = None,
        size: int = 480,
        short_side: int = 480,
        motion: Motion | None = None,
        jitter: Jitter | None = None,
        min_area: int = 2500,
        from_zero: float = 0.33,
        target: tuple[float, float] = (0.4, 0.95),
        neighbour: float = 0.75,
        neighbour_area: int = 900,
        neighbour_target: float = 0.6,
    ) -> None:
        if len(images) == 0:
            raise ValueError("there are no images to train on")
        self.images, self.user = images, user or ScribbleUser()
        self.size, self.short_side = size, short_side
        self.motion = motion or Motion(rotation=20, shear=10, scale=(0.8, 1.25), flip=0.5)
        self.jitter = jitter or Jitter(brightness=0.1, contrast=0.03, saturation=0.03, grey=0.05)
        self.min_area, self.from_zero, self.target = min_area, from_zero, target
        self.neighbour, self.neighbour_area = neighbour, neighbour_area
        self.neighbour_target = neighbour_target

    def item(self, index: int, rng: np.random.Generator, *, step: int) -> TrainingItem:
        """See `TrainingData`.

        Raises:
            ValueError: many images in a row without an object.
        """
        sample, number, matrix = self._draw(rng)
        size = (self.size, self.size)
        image = self.jitter.draw(rng)(warp_image(sample.image, matrix, size))
        truth = self._warped(sample.masks[number], matrix)
        other = self._neighbour(sample, number, rng)
        empty = np.zeros(size, bool)
        if rng.random() < self.from_zero:
            previous, other = empty, None
        else:
            previous = damaged(truth, rng, float(rng.uniform(*self.target)))
        on_other = empty
        if other is not None:
            mask = self._warped(sample.masks[other], matrix)
            if rng.random() < 0.5:
                on_other = self.user.draw(mask, empty, rng).positive
            else:
                previous = previous | damaged(mask, rng, self.neighbour_target)
        scribbles = self.user.draw(truth, previous, rng)
        return {
            "image": torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float() / 255,
            "previous": _plane(previous),
            "positive": _plane(scribbles.positive),
            "negative": _plane(scribbles.negative | on_other),
            "mask": _plane(truth),
        }

    def _draw(self, rng: np.random.Generator) -> tuple[ImageSample, int, Matrix]:
        """An image, one of its objects, and a crop that shows some of it."""
        found = None
        for _ in range(ATTEMPTS):
            sample = self.images[int(rng.integers(len(self.images)))]
            large = np.flatnonzero(sample.masks.sum(axis=(1, 2)) >= self.min_area)
            if not len(large):
                continue
            number, matrix = int(rng.choice(large)), self._geometry(sample, rng)
            found = sample, number, matrix
            if self._warped(sample.masks[number], matrix).any():
                return found
        if found is None:
            raise ValueError(
                f"{ATTEMPTS} images without an object of {self.min_area} pixels; the last: {sample.name}"
            )
        return found

    def _geometry(self, sample: ImageSample, rng: np.random.Generator) -> Matrix:
        """Motion of the whole image, then its size, then the crop; small images get a rim."""
        height, width = sample.image.shape[:2]
        factor = self.short_side / min(height, width)
        rows, columns = round(height * factor), round(width * factor)
        resized = crop_resize(0, 0, (height, width), (rows, columns))
        top, left = (
            int(rng.integers(side - self.size + 1)) if side > self.size else -((self.size - side) // 2)
            for side in (rows, columns)
        )
        crop = crop_resize(left, top, (self.size, self.size), (self.size, self.size))
        return np.asarray(crop @ resized @ self.motion.draw(rng, height, width))

    def _neighbour(self, sample: ImageSample, number: int, rng: np.random.Generator) -> int | None:
        """Another object; None where none is wanted, or the draw is the same object."""
        wanted = rng.random() < self.neighbour
        large = np.flatnonzero(sample.masks.sum(axis=(1, 2)) >= self.neighbour_area)
        if not wanted or not len(large):
            return None
        chosen = int(rng.choice(large))
        return None if chosen == number else chosen

    def _warped(self, mask: Mask, matrix: Matrix) -> Mask:
        return warp_labels(mask.view(np.uint8), matrix, (self.size, self.size)) > 0


def _plane(mask: Mask) -> torch.Tensor:
    return torch.from_numpy(mask.astype(np.float32))[None]
