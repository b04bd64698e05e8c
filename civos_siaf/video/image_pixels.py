"""Image files as RGB: upright, of any depth, page by page."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

log = logging.getLogger(__name__)

ORIENTATION, NEW_SUBFILE_TYPE, BITS_PER_SAMPLE = 274, 254, 258
"""Tags of EXIF and TIFF."""

_PAGED = frozenset({"TIFF", "WEBP", "PNG"})  # others hold previews beside the picture, as phones' JPEGs
_DEPTHS = (8, 10, 12, 14, 16)
_TURNS = (0, 0, 2, 2, 1, 3, 3, 1)
_UPRIGHT = {number: (turns, number in (2, 4, 5, 7)) for number, turns in enumerate(_TURNS, 1)}
"""By EXIF orientation: quarter turns counter-clockwise, and whether left and right are exchanged before."""


class ValueRange(NamedTuple):
    """Pixel values that become black and white."""

    black: float
    white: float


class Page(NamedTuple):
    """One picture of a file, and its size (H, W) upright."""

    number: int
    size: tuple[int, int]


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read an image file as (H, W, 3) uint8: upright by its EXIF tag, grey repeated, alpha dropped.

    Values of more than 8 bits are scaled by the range that they have, which is logged.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not an image, or damaged.
    """
    pixels = read_pixels(path)
    return to_8_bits(pixels, value_range([pixels], path), path)


def read_pixels(path: Path, page: int = 0) -> NDArray[Any]:
    """A page of an image as (H, W, 3), upright, uint8 or, where the file has more bits, as they are stored.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not an image, or damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no image at {path}")
    try:
        with Image.open(path) as image:
            return pixels_of(image, path, page)
    except UnidentifiedImageError as error:
        deep = _by_opencv(path, page)  # such as TIFF of 16 bits and three colours
        if deep is None:
            raise ValueError(f"{path}: not a readable image ({error})") from error
        return deep
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: not a readable image ({error})") from error


def pixels_of(image: Image.Image, path: Path, page: int) -> NDArray[Any]:
    """As `read_pixels`, of a file that is open."""
    if image.format in _PAGED and getattr(image, "n_frames", 1) > 1:
        image.seek(page)
    if _loses_bits(path, image):
        deep = _by_opencv(path, page)
        if deep is not None:
            return _turned(deep, image.getexif().get(ORIENTATION, 1))
    upright = ImageOps.exif_transpose(image)
    if upright.mode == "F" or upright.mode.startswith("I"):
        return np.repeat(np.asarray(upright)[..., None], 3, axis=2)
    return np.array(upright.convert("RGB"))


def pages_of(path: Path) -> list[Page]:
    """The pictures of a file: pages of a TIFF stack, frames of an animation; previews are left out.

    Raises:
        ValueError: not an image.
    """
    try:
        with Image.open(path) as image:
            count = getattr(image, "n_frames", 1) if image.format in _PAGED else 1
            if count == 1:
                return [Page(0, _size(image))]
            first = 1 if getattr(image, "default_image", False) else 0  # shown where nothing moves
            if image.format != "TIFF":
                return [Page(number, _size(image)) for number in range(first, count)]
            return [Page(number, _size(image)) for number in range(count) if _is_page(image, number)]
    except UnidentifiedImageError as error:
        deep = _by_opencv(path, 0)
        if deep is None:
            raise ValueError(f"{path}: not a readable image ({error})") from error
        return [Page(number, deep.shape[:2]) for number in range(cv2.imcount(str(path)))]
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: not a readable image ({error})") from error


def durations(path: Path, pages: Sequence[int]) -> list[float]:
    """How long each page of an animation is shown, seconds; 0 where the file does not say."""
    with Image.open(path) as image:
        found = []
        for page in pages:
            image.seek(page)
            image.load()
            found.append(float(image.info.get("duration", 0)) / 1000)
    return found


def value_range(images: Iterable[NDArray[Any]], path: Path) -> ValueRange:
    """The values that become black and white in images that belong together.

    Whole numbers up to 65535 are taken for as many bits as the largest needs: 8, 10, 12, 14 or 16, and for 16
    where all are 8 bits stretched. Fractions up to 1 are taken for 0 to 1. Everything else is scaled from the
    smallest value (at most 0) to the largest.

    Args:
        images: of one kind; at least one.
        path: for the log.
    """
    low, high, whole, stretched, kind = 0.0, 0.0, True, True, "8-bit"
    for image in images:
        if image.dtype == np.uint8:
            continue
        finite = image[np.isfinite(image)] if image.dtype.kind == "f" else image
        kind = f"{image.dtype.itemsize * 8}-bit {'float' if image.dtype.kind == 'f' else 'integer'}"
        low, high = min(low, float(finite.min(initial=0))), max(high, float(finite.max(initial=0)))
        whole = whole and bool((finite == np.floor(finite)).all())
        stretched = stretched and image.dtype.kind != "f" and bool((finite % 257 == 0).all())
    if kind == "8-bit":
        return ValueRange(0, 255)
    found = _range(low, high, whole=whole, stretched=stretched)
    _say(f"{path}: {kind} values {low:g} to {high:g} are scaled; {found.white:g} is white")
    return found


def to_8_bits(pixels: NDArray[Any], values: ValueRange, path: Path) -> NDArray[np.uint8]:
    """Pixels of any kind as uint8; what is outside the range is cut off, which is logged."""
    if pixels.dtype == np.uint8:
        return pixels
    black, white = values
    numbers = np.nan_to_num(pixels.astype(np.float64), nan=black, posinf=white, neginf=black)
    if numbers.max(initial=black) > white or numbers.min(initial=white) < black:
        _say(f"{path}: values outside {black:g} to {white:g}, the range of other images, are cut off")
    scaled = (numbers - black) * (255 / (white - black))
    return np.asarray(np.floor(np.clip(scaled, 0, 255) + 0.5), dtype=np.uint8)


def _range(low: float, high: float, *, whole: bool, stretched: bool) -> ValueRange:
    if low == 0 and not whole and high <= 1:
        return ValueRange(0, 1)
    if low == 0 and whole and high <= 1 and not stretched:
        return ValueRange(0, 1)
    if low == 0 and whole and high < 2**16:
        bits = 16 if stretched else next(bits for bits in _DEPTHS if high < 2**bits)
        return ValueRange(0, 2**bits - 1)
    return ValueRange(low, high if high > low else low + 1)


def _say(text: str) -> None:
    if text not in _said:
        _said.add(text)
        log.warning("%s", text)


_said: set[str] = set()


def _loses_bits(path: Path, image: Image.Image) -> bool:
    """Whether it has several components of 16 bits, of which Pillow drops eight."""
    if image.mode not in ("RGB", "RGBA", "LA"):
        return False
    if image.format == "TIFF":
        tags: Any = getattr(image, "tag_v2", {})
        return bool(max(tags.get(BITS_PER_SAMPLE, (8,))) > 8)
    if image.format != "PNG":
        return False
    with path.open("rb") as file:
        return file.read(25)[24:] == b"\x10"


def _by_opencv(path: Path, page: int) -> NDArray[Any] | None:
    """A page as RGB of its own depth; None where OpenCV cannot read it either."""
    flags = cv2.IMREAD_UNCHANGED
    try:
        done, found = cv2.imreadmulti(str(path), start=page, count=1, flags=flags)
    except cv2.error:
        return None
    if not done or not found:
        return None
    pixels = found[0] if found[0].ndim == 3 else found[0][..., None]
    if pixels.shape[2] < 3:
        return np.repeat(pixels[..., :1], 3, axis=2)
    return np.ascontiguousarray(pixels[..., 2::-1])


def _turned(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    turns, mirrored = _UPRIGHT.get(orientation, (0, False))
    return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if mirrored else pixels, turns))


def _is_page(image: Image.Image, number: int) -> bool:
    image.seek(number)
    tags: Any = getattr(image, "tag_v2", {})
    return not int(tags.get(NEW_SUBFILE_TYPE, 0)) & 1  # a smaller version of another page


def _size(image: Image.Image) -> tuple[int, int]:
    """(H, W) upright, without decoding."""
    late = image.format == "PNG" and "exif" not in image.info  # looking for it would decode
    turned = not late and image.getexif().get(ORIENTATION, 1) >= 5
    return image.size if turned else image.size[::-1]
