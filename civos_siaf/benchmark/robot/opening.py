"""The robot's opening of an error region, with the off-centre discs of the original.

Source: docs/specification/davis-interactive.md section 6.3.
"""

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

SHRINK = 0.9
"""Factor on the radius when nothing is left of the region."""


def first_radius(area: int, *, kernel_size: float, max_radius: float) -> float:
    """Radius in pixels that the opening of a region of `area` pixels starts with."""
    return min(kernel_size * math.sqrt(area) / 2, max_radius)


def open_region(region: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Open a region (H, W) with a disc of fractional radius, with smaller ones while nothing is left.

    A radius of 1 or less opens nothing. Thin regions can vanish; others move by up to 1.5 pixels to the
    bottom right, as the disc of a fractional radius is off centre.
    """
    if radius <= 1:
        return region
    image = region.view(np.uint8)
    x, y, width, height = cv2.boundingRect(image)
    margin = math.ceil(2 * radius) + 4  # what erosion and dilation can reach
    area = (slice(max(y - margin, 0), y + height + margin), slice(max(x - margin, 0), x + width + margin))
    opened = np.zeros_like(region)
    while radius > 1:
        part = _open_once(image[area], radius)
        if part.any():
            opened[area] = part
            break
        radius *= SHRINK
    return opened


def _open_once(image: NDArray[np.uint8], radius: float) -> NDArray[np.bool_]:
    kernel = fractional_disc(radius)
    anchor = (kernel.shape[0] // 2,) * 2
    eroded = cv2.erode(image, kernel, anchor=anchor)
    # Where every offset falls outside the image OpenCV gives its largest value; the original gives 0.
    eroded[eroded > 1] = 0
    return cv2.dilate(eroded, kernel, anchor=anchor).astype(bool)


@lru_cache(maxsize=64)
def fractional_disc(radius: float) -> NDArray[np.uint8]:
    """Structuring element (n, n) of a disc of any radius, anchor at n // 2: off centre unless it is whole.

    >>> int(fractional_disc(1.1).sum()), int(fractional_disc(1.0).sum())
    (3, 5)
    """
    coordinates = np.arange(math.ceil(2 * radius + 1)) - radius
    squares = coordinates**2
    return (squares[:, None] + squares <= radius**2).astype(np.uint8)
