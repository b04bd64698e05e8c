"""Random changes of colour; masks do not see them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Jitter:
    """Ranges of colour changes, named as in torchvision: a factor is uniform in 1-x..1+x.

    Attributes:
        brightness: factor of all values.
        contrast: factor of the distance to the image's mean grey.
        saturation: factor of the distance to the pixel's grey.
        hue: shift in turns, -x..x.
        grey: probability of a grey image.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    grey: float = 0.0

    def draw(self, rng: np.random.Generator) -> ColourChange:
        """One change, which may be done to several frames."""
        factors = 1 + rng.uniform(-1, 1, size=3) * (self.brightness, self.contrast, self.saturation)
        brightness, contrast, saturation = (max(float(factor), 0.0) for factor in factors)
        hue = float(rng.uniform(-1, 1)) * self.hue
        if rng.random() < self.grey:
            saturation, hue = 0.0, 0.0
        return ColourChange(brightness, contrast, saturation, hue)


@dataclass(frozen=True)
class ColourChange:
    """A drawn change of colour: factors, and hue in turns."""

    brightness: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    hue: float = 0.0

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Change an image (H, W, 3)."""
        out: NDArray[np.uint8] = image
        if self.saturation != 1.0:
            grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
            out = np.asarray(cv2.addWeighted(image, self.saturation, grey, 1 - self.saturation, 0), np.uint8)
        if self.hue:
            hsv = cv2.cvtColor(out, cv2.COLOR_RGB2HSV)
            turned = (np.arange(180) + round(self.hue * 180)) % 180
            table = np.arange(256, dtype=np.uint8)
            table[:180] = turned
            hsv[..., 0] = table[hsv[..., 0]]
            out = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)
        if (self.brightness, self.contrast) != (1.0, 1.0):
            red, green, blue, _ = cv2.mean(out)
            middle = self.brightness * (0.299 * red + 0.587 * green + 0.114 * blue)
            values = (np.arange(256) * self.brightness - middle) * self.contrast + middle
            out = np.asarray(cv2.LUT(out, np.clip(np.rint(values), 0, 255).astype(np.uint8)), np.uint8)
        return out


class Colour(Protocol):
    """Draws colour changes."""

    def draw(self, rng: np.random.Generator) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
        """A change of images (H, W, 3)."""
