"""Which part of a picture a training crop shows: matrices from the picture to the crop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from civos_siaf.data.warp import Matrix, crop_resize

TRIES = 10


class Window(Protocol):
    """Draws the part of a picture that fills a crop."""

    def draw(self, rng: np.random.Generator, height: int, width: int, size: tuple[int, int]) -> Matrix:
        """Matrix from a picture (height, width) to a crop of `size` (H, W)."""


@dataclass(frozen=True, kw_only=True)
class ResizedCrop:
    """A window of a random share of the picture, stretched to the crop (torchvision's resized crop).

    Attributes:
        area: share of the picture's area. MiVOS: 0.36..1, BL30K 0.25..1 (spec section 8).
        ratio: width to height of the window, times the crop's own.
    """

    area: tuple[float, float] = (0.36, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)

    def draw(self, rng: np.random.Generator, height: int, width: int, size: tuple[int, int]) -> Matrix:
        """Matrix from a picture to a crop; a window that never fits is cut to the picture's sides."""
        low, high = np.log(self.ratio)
        for _ in range(TRIES):
            area = rng.uniform(*self.area) * height * width
            ratio = float(np.exp(rng.uniform(low, high))) * size[1] / size[0]
            window = float(np.sqrt(area / ratio)), float(np.sqrt(area * ratio))
            if window[0] <= height and window[1] <= width:
                break
        else:
            scale = min(height / size[0], width / size[1])
            window = size[0] * scale, size[1] * scale
        top, left = rng.uniform(0, height - window[0]), rng.uniform(0, width - window[1])
        return crop_resize(float(left), float(top), window, size)


@dataclass(frozen=True, kw_only=True)
class ScaledCrop:
    """A random resize that keeps the picture's shape, padding if it is too small, and a random crop.

    Attributes:
        scale: factor of the size. RITM: 0.75..1.40 (spec section 11); AOT: 0.7..1.3 (spec 14.6).
        short_side: the shorter side is brought to so many pixels before; None: the picture as it is.
        centred: a picture smaller than the crop lies in its middle (RITM), else anywhere in it (AOT).
    """

    scale: tuple[float, float] = (0.75, 1.40)
    short_side: int | None = None
    centred: bool = True

    def draw(self, rng: np.random.Generator, height: int, width: int, size: tuple[int, int]) -> Matrix:
        """Matrix from a picture to a crop."""
        scale = float(rng.uniform(*self.scale))
        if self.short_side is not None:
            scale *= self.short_side / min(height, width)
        window = size[0] / scale, size[1] / scale
        places = rng.uniform(size=2)
        spare = np.array([height - window[0], width - window[1]])
        if self.centred:
            places = np.where(spare < 0, 0.5, places)
        top, left = spare * places
        return crop_resize(float(left), float(top), window, size)
