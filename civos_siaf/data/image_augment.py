"""Augmentation of single images for click training (docs/specification/ritm.md section 11)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.data.colour import Jitter
from civos_siaf.data.samples import ImageSample
from civos_siaf.data.warp import Motion


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageAugment:
    """Random scale, flip, crop and colour; the defaults are the published ones.

    Args:
        size: (H, W) of the crop.
        scale: range of the resize factor.
        longer_side: resize the image to this longer side first, in pixels; None: it stays as it is.
        flip: probability of a mirror image.
        colour: probability of other brightness and contrast, and by itself of shifted colours.
        brightness: range of what is added, as a part of white.
        contrast: range of the change of contrast, as a part of 1.
        shift: largest shift of each colour, of 255.
        shorter_side: as longer_side.
        motion: affine motion before; S2M: rotation 20, shear 10, scale 0.8..1.25
            (docs/specification/mivos.md section 3.3).
        jitter: change of colour after the others; S2M: 0.1, 0.03, 0.03, grey 0.05.
    """

    size: tuple[int, int] = (320, 480)
    scale: tuple[float, float] = (0.75, 1.40)
    longer_side: int | None = None
    flip: float = 0.5
    colour: float = 0.75
    brightness: tuple[float, float] = (-0.25, 0.25)
    contrast: tuple[float, float] = (-0.15, 0.4)
    shift: float = 10
    shorter_side: int | None = None
    motion: Motion | None = None
    jitter: Jitter | None = None

    def __call__(self, sample: ImageSample, rng: np.random.Generator) -> ImageSample:
        """An image of `size`; objects may end up empty, and stay in their place."""
        warp = self._warp(sample.image.shape[0], sample.image.shape[1], rng)
        if self.motion is not None:
            warp = warp @ self.motion.draw(rng, *sample.image.shape[:2])
        height, width = self.size
        image = cv2.warpAffine(sample.image, warp, (width, height), flags=cv2.INTER_LINEAR)
        masks = np.zeros((len(sample.masks), height, width), bool)
        for out, mask in zip(masks, sample.masks, strict=True):
            plane = mask.view(np.uint8)
            out[:] = cv2.warpAffine(plane, warp, (width, height), flags=cv2.INTER_NEAREST)
        recoloured = self._recoloured(np.asarray(image, np.uint8), rng)
        if self.jitter is not None:
            recoloured = self.jitter.draw(rng)(recoloured)
        return ImageSample(sample.name, recoloured, masks)

    def _warp(self, height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Resize, mirror and crop in one (2, 3) matrix; smaller images are padded with zeros."""
        factor = float(rng.uniform(*self.scale))
        if self.longer_side is not None:
            factor *= self.longer_side / max(height, width)
        if self.shorter_side is not None:
            factor *= self.shorter_side / min(height, width)
        sides = round(height * factor), round(width * factor)
        top, left = (
            int(rng.integers(side - out + 1)) if side > out else 0
            for side, out in zip(sides, self.size, strict=True)
        )
        y, x = sides[0] / height, sides[1] / width
        # Pixel centres at integers.
        matrix = np.array([[x, 0, 0.5 * x - 0.5 - left], [0, y, 0.5 * y - 0.5 - top]])
        if rng.random() < self.flip:
            matrix[0] = [-x, 0, x * (width - 1) + 0.5 * x - 0.5 - left]
        return matrix

    def _recoloured(self, image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        table = np.repeat(np.arange(256, dtype=np.float64)[:, None], 3, axis=1)
        if rng.random() < self.colour:
            table = table * (1 + rng.uniform(*self.contrast)) + 255 * rng.uniform(*self.brightness)
        if rng.random() < self.colour:
            table = table + rng.uniform(-self.shift, self.shift, 3)
        lookup = np.clip(np.rint(table), 0, 255).astype(np.uint8)
        return np.asarray(cv2.LUT(image, lookup[None]), np.uint8)
