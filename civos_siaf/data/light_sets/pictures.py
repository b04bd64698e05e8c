"""Pictures with regions, made smaller."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from civos_siaf.runtime.files import atomic_path
from civos_siaf.video.frames import Rgb


@dataclass(frozen=True)
class Region:
    """A mask (H, W) of the picture's size, and what is noted of it: `category_id`, `name`, ..."""

    mask: NDArray[np.bool_]
    notes: Mapping[str, Any]


@dataclass(frozen=True)
class Picture:
    """An image file and how its regions are read.

    Attributes:
        name: of the new file, a relative path that ends in `.jpg`.
        path: of the image.
        regions: reads them, for an image of (height, width).
        notes: of the image, kept in the new annotations.
    """

    name: str
    path: Path
    regions: Callable[[tuple[int, int]], Sequence[Region]]
    notes: Mapping[str, Any] = field(default_factory=dict)


def smaller_size(height: int, width: int, longer_side: int) -> tuple[int, int]:
    """(height, width) with this longer side; never larger than before.

    >>> smaller_size(480, 640, 400), smaller_size(30, 40, 400)
    ((300, 400), (30, 40))
    """
    scale = min(1.0, longer_side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def smaller_image(image: Rgb, size: tuple[int, int]) -> Rgb:
    """Means over areas of an image (H, W, 3), of a new (height, width)."""
    if image.shape[:2] == size:
        return image
    return np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def smaller_mask(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels of a new (height, width) of which at least half is mask."""
    if mask.shape == size:
        return mask
    share = cv2.resize(mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(share >= 0.5)


def write_jpeg(path: Path, image: Rgb, *, quality: int) -> None:
    """Write an image (H, W, 3) as JPEG, in one piece."""
    with atomic_path(path) as temporary:
        Image.fromarray(image).save(temporary, quality=quality)


def copy_file(path: Path, target: Path) -> None:
    """Copy a file, in one piece."""
    with atomic_path(target) as temporary:
        shutil.copyfile(path, temporary)
