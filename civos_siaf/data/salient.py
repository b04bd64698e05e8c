"""Static images with one object each, as for stage 0 of MiVOS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from civos_siaf.data.fast_images import read_fast
from civos_siaf.data.samples import ImageSample
from civos_siaf.video.image_files import MASK_SUFFIXES, file_beside, is_image_name, natural_key

INSIDE = 127
"""Masks are grey: above this a pixel belongs to the object."""


class SalientImages:
    """Folders of <name>.jpg with <name>.png: DUTS, ECSSD, BIG, HRSOD, and FSS in its folders of classes.

    Folders below the given ones are searched too.

    Args:
        folders: a folder, or several.
        repeat: so many times each folder, one number for all or one each (MiVOS: BIG and HRSOD 5 times).

    Raises:
        FileNotFoundError: a folder is missing, or an image has no mask.
        ValueError: a folder without images, or not a repeat for each.
    """

    def __init__(
        self, folders: Path | str | Sequence[Path | str], *, repeat: int | Sequence[int] = 1
    ) -> None:
        listed = [folders] if isinstance(folders, (str, Path)) else list(folders)
        times = [repeat] * len(listed) if isinstance(repeat, int) else list(repeat)
        if not listed or len(times) != len(listed) or min(times) < 1:
            raise ValueError(f"expected a repeat of 1 or more for each of {len(listed)} folders, got {times}")
        self._pairs: list[tuple[Path, Path]] = []
        for folder, count in zip(listed, times, strict=True):
            self._pairs += salient_pairs(Path(folder)) * count

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> ImageSample:
        """Read an image and its one mask; no mask if it is empty.

        Raises:
            ValueError: a damaged file, or sizes that differ.
        """
        image_path, mask_path = self._pairs[index]
        image, mask = read_fast(image_path), read_grey(mask_path) > INSIDE
        if image.shape[:2] != mask.shape:
            raise ValueError(f"{mask_path}: size {mask.shape}, the image has {image.shape[:2]} (H, W)")
        masks = mask[None] if mask.any() else mask[None][:0]
        return ImageSample(image_path.stem, image, masks)


def salient_pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Images and masks below a folder, in order.

    Raises:
        FileNotFoundError: the folder is missing, or an image has no mask.
        ValueError: no image.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder of images and masks at {folder}")
    found = (path for path in folder.rglob("*") if is_image_name(path.name, (".jpg", ".jpeg")))
    images = sorted(found, key=lambda path: natural_key(path.as_posix()))
    if not images:
        raise ValueError(f"{folder}: no images (*.jpg)")
    pairs = []
    for path in images:
        if (mask := file_beside(path.parent, path.stem, MASK_SUFFIXES)) is None:
            raise FileNotFoundError(f"no mask {path.with_suffix('.png')} for the image {path}")
        pairs.append((path, mask))
    return pairs


def read_grey(path: Path) -> NDArray[np.uint8]:
    """A mask file as grey values (H, W), whatever its kind; a palette is applied.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not an image, or damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no mask at {path}")
    try:
        with Image.open(path) as image:
            return np.array(image.convert("L"))
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path}: not a readable image ({error})") from error
