"""Geometry for training: one affine matrix, and at most one smooth displacement, per picture and its masks.

Matrices are 3 x 3 and take source pixels (x, y, 1) to target pixels; pixel centres are at integers. Resizing,
cropping and affine motion are multiplied first, so that every picture is resampled once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Matrix: TypeAlias = NDArray[np.float64]
MEAN_COLOUR = (124, 116, 104)
"""Fill outside an image, RGB: the mean of ImageNet, as MiVOS and AOT fill."""


@dataclass(frozen=True, kw_only=True)
class Motion:
    """Ranges of a random affine motion about the centre of an image.

    Attributes:
        rotation: degrees, -r..r.
        shear: degrees along x, -s..s.
        translation: -t..t of the size, along each axis.
        scale: uniform in this range.
        flip: probability of a horizontal flip.
    """

    rotation: float = 0.0
    shear: float = 0.0
    translation: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    flip: float = 0.0

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Matrix:
        """A random matrix that keeps the size (H, W) of the picture."""
        angle = math.radians(rng.uniform(-self.rotation, self.rotation))
        shear = math.tan(math.radians(rng.uniform(-self.shear, self.shear)))
        scale = rng.uniform(*self.scale)
        shift_x, shift_y = rng.uniform(-self.translation, self.translation, size=2) * (width, height)
        mirror = -1.0 if rng.random() < self.flip else 1.0
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        linear = scale * turn @ np.array([[1.0, shear], [0.0, 1.0]]) @ np.diag([mirror, 1.0])
        return about(linear, ((width - 1) / 2, (height - 1) / 2), (shift_x, shift_y))


def about(linear: NDArray[np.float64], centre: tuple[float, float], shift: tuple[float, float]) -> Matrix:
    """The matrix that does `linear` (2, 2) about `centre` (x, y) and then shifts."""
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = np.array(centre) - linear @ np.array(centre) + np.array(shift)
    return matrix


def crop_resize(
    left: float, top: float, size: tuple[float, float], target: tuple[int, int], *, mirror: bool = False
) -> Matrix:
    """The matrix that makes a window of `size` (height, width) at (left, top) fill `target` (H, W).

    Pixel areas are aligned: the window's outer edge meets the target's.
    """
    (height, width), (rows, columns) = size, target
    scale_x, scale_y = columns / width, rows / height
    matrix = np.array(
        [
            [scale_x, 0.0, (0.5 - left) * scale_x - 0.5],
            [0.0, scale_y, (0.5 - top) * scale_y - 0.5],
            [0.0, 0.0, 1.0],
        ]
    )
    if mirror:
        matrix = np.array([[-1.0, 0.0, columns - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]) @ matrix
    return matrix


def warp_image(
    image: NDArray[np.uint8],
    matrix: Matrix,
    size: tuple[int, int],
    *,
    field: NDArray[np.float32] | None = None,
    fill: tuple[int, int, int] = MEAN_COLOUR,
) -> NDArray[np.uint8]:
    """Resample an image (H, W, 3) to `size` (H, W), bilinear; strongly shrunk images are averaged first.

    Args:
        image: RGB.
        matrix: source to target pixels.
        size: of the target.
        field: (H, W, 2) of the target: how far (x, y) from its place each target pixel looks, in target
            pixels.
        fill: colour of what lies outside the source.
    """
    scale = math.sqrt(abs(np.linalg.det(matrix[:2, :2])))
    if scale <= 0.5:
        height, width = image.shape[:2]
        part = max(round(height * 2 * scale), 1), max(round(width * 2 * scale), 1)
        image = np.asarray(cv2.resize(image, part[::-1], interpolation=cv2.INTER_AREA), dtype=np.uint8)
        matrix = matrix @ np.linalg.inv(crop_resize(0, 0, (height, width), part))
    return _resample(image, matrix, size, field, cv2.INTER_LINEAR, fill)


def warp_labels(
    labels: NDArray[np.uint8],
    matrix: Matrix,
    size: tuple[int, int],
    *,
    field: NDArray[np.float32] | None = None,
    fill: int = 0,
) -> NDArray[np.uint8]:
    """Resample labels (H, W) to `size` (H, W), nearest neighbour; see `warp_image`."""
    return _resample(labels, matrix, size, field, cv2.INTER_NEAREST, (fill, fill, fill))


def _resample(
    picture: NDArray[np.uint8],
    matrix: Matrix,
    size: tuple[int, int],
    field: NDArray[np.float32] | None,
    interpolation: int,
    fill: tuple[int, int, int],
) -> NDArray[np.uint8]:
    border = cv2.BORDER_CONSTANT
    if field is None:
        out = cv2.warpAffine(
            picture, matrix[:2], size[::-1], flags=interpolation, borderMode=border, borderValue=fill
        )
        return np.asarray(out, dtype=np.uint8)
    rows, columns = size
    x = np.arange(columns, dtype=np.float32)[None, :] + field[..., 0]
    y = np.arange(rows, dtype=np.float32)[:, None] + field[..., 1]
    back = np.linalg.inv(matrix).astype(np.float32)
    map_x = back[0, 0] * x + back[0, 1] * y + back[0, 2]
    map_y = back[1, 0] * x + back[1, 1] * y + back[1, 2]
    out = cv2.remap(picture, map_x, map_y, interpolation, borderMode=border, borderValue=fill)
    return np.asarray(out, dtype=np.uint8)
