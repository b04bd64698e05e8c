"""Masks in their forms: label maps, one-hot stacks, palette PNG files, run lengths."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from civos_siaf.runtime.files import atomic_path

VOID = 255
"""Label of pixels that belong to nothing known; never an object."""


def davis_palette() -> NDArray[np.uint8]:
    """The colours of DAVIS and PASCAL VOC, (256, 3) uint8: label i takes bits of i from the top down.

    >>> davis_palette()[:3].tolist()
    [[0, 0, 0], [128, 0, 0], [0, 128, 0]]
    """
    labels = np.arange(256)
    colours = np.zeros((256, 3), dtype=np.uint8)
    for place in range(8):
        for channel in range(3):
            bit = (labels >> (3 * place + channel)) & 1
            colours[:, channel] |= (bit << (7 - place)).astype(np.uint8)
    return colours


def is_smoothed(histogram: NDArray[np.integer[Any]]) -> bool:
    """Whether grey values (256 counts) are of masks of 0 and 255 that were smoothed or resized.

    Such masks have many values, up to white or nearly; most pixels are nearly black or white, and no grey
    between them is common.
    """
    present = np.flatnonzero(histogram)
    if len(present) <= 8 or present[-1] < 250:
        return False
    white, middle = int(histogram[223:].sum()), histogram[33:223]
    most = white + int(histogram[:33].sum()) >= 2 * int(middle.sum())
    return most and 4 * int(middle.max()) < white


def one_hot(labels: NDArray[np.uint8], num_objects: int) -> NDArray[np.bool_]:
    """Label map (..., H, W) to (..., K+1, H, W) with index 0 = background.

    Labels above `num_objects`, void included, belong to no channel.
    """
    ids = np.arange(num_objects + 1).reshape(-1, 1, 1)
    return np.asarray(labels[..., None, :, :] == ids)


def from_one_hot(masks: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scores or one-hot masks (..., K+1, H, W) to labels (..., H, W): the largest wins, the lowest on ties.

    Raises:
        ValueError: more than 254 objects, which an 8-bit label map cannot hold.
    """
    if masks.shape[-3] > VOID:
        raise ValueError(f"an 8-bit label map holds at most {VOID - 1} objects, got {masks.shape[-3] - 1}")
    return np.asarray(np.argmax(masks, axis=-3), dtype=np.uint8)


def palette_image(labels: NDArray[np.uint8]) -> Image.Image:
    """A label map (H, W) as an indexed image with the DAVIS palette.

    Raises:
        ValueError: another shape or type than (H, W) uint8.
    """
    if labels.ndim != 2 or labels.dtype != np.uint8:
        raise ValueError(f"a label map is (H, W) uint8, got {labels.shape} {labels.dtype}")
    image = Image.fromarray(labels)
    image.putpalette(davis_palette().tobytes())
    return image


def write_png(path: Path | str, labels: NDArray[np.uint8]) -> None:
    """Write a label map (H, W) as an indexed PNG with the DAVIS palette, in one piece.

    Raises:
        ValueError: another shape or type than (H, W) uint8.
    """
    try:
        image = palette_image(labels)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    with atomic_path(path) as temporary:
        image.save(temporary)


def read_png(path: Path | str) -> NDArray[np.uint8]:
    """Read the labels (H, W) uint8 of an indexed or 8-bit grey PNG; the palette is not applied.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: not an image, damaged, or an image whose pixels are colours, not labels.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no mask at {path}")
    try:
        with Image.open(path) as image:
            if image.mode == "1":
                return np.asarray(image, dtype=np.uint8)
            if image.mode not in ("P", "L"):
                raise ValueError(
                    f"{path}: expected an indexed or 8-bit grey PNG whose values are labels, got {image.mode}"
                )
            labels = np.array(image)
            if image.mode == "P":
                _check_background(path, image, labels)
            return labels
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path}: not a readable PNG ({error})") from error


def _check_background(path: Path, image: Image.Image, labels: NDArray[np.uint8]) -> None:
    """Refuse a palette in which black is another place than 0: there, 0 is not the background."""
    palette = np.reshape(image.getpalette() or [0, 0, 0], (-1, 3))
    if not palette[0].any():
        return
    black = [place for place in np.flatnonzero(~palette.any(axis=1)).tolist() if (labels == place).any()]
    if black and (labels == 0).any():
        raise ValueError(
            f"{path}: the palette's black is {black[0]} and its 0 is #{bytes(palette[0].tolist()).hex()}; "
            "write the numbers of the objects, 0 for the background"
        )


class RunLengths(TypedDict):
    """A mask in COCO's compressed run lengths."""

    size: list[int]
    counts: str


def to_rle(mask: NDArray[np.bool_]) -> RunLengths:
    """Encode a mask (H, W) in COCO's compressed run lengths; `size` is [H, W].

    >>> bool((from_rle(to_rle(np.eye(3, dtype=bool))) == np.eye(3, dtype=bool)).all())
    True
    """
    encoded = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": [int(n) for n in encoded["size"]], "counts": encoded["counts"].decode("ascii")}


def from_rle(rle: RunLengths) -> NDArray[np.bool_]:
    """Decode COCO run lengths to a mask (H, W).

    Raises:
        ValueError: the counts do not fill the size.
    """
    height, width = rle["size"]
    if height == 0 or width == 0:
        return np.zeros((height, width), dtype=bool)
    try:
        mask = coco_mask.decode({"size": [height, width], "counts": rle["counts"].encode("ascii")})
    except (ValueError, TypeError) as error:
        raise ValueError(f"run lengths of size {rle['size']} cannot be decoded: {error}") from error
    return np.asarray(mask, dtype=bool)
