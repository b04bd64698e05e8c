"""Annotation files of COCO and LVIS: reading them entry by entry, and their segmentations as masks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from civos_siaf.runtime.text_files import read_text

Segmentation: TypeAlias = Sequence[Sequence[float] | NDArray[np.float32]] | dict[str, Any]
"""Polygons (x0, y0, x1, y1, ...) in pixels, or run lengths with `size` and `counts`."""

_SPACE = re.compile(r"\s*")


def decode_segmentation(segmentation: Segmentation, height: int, width: int) -> NDArray[np.bool_]:
    """A COCO segmentation (polygons, or run lengths plain or compressed) as a mask (H, W)."""
    return np.asarray(coco_mask.decode(encode_segmentation(segmentation, height, width)), dtype=bool)


def decode_all(segmentations: Sequence[Segmentation], height: int, width: int) -> NDArray[np.bool_]:
    """Segmentations as masks (N, H, W)."""
    masks = np.empty((len(segmentations), height, width), dtype=np.uint8)
    if len(segmentations):
        encoded = [encode_segmentation(segmentation, height, width) for segmentation in segmentations]
        # Run lengths go down the columns; OpenCV turns them over faster than a strided copy.
        for mask, columns in zip(masks, coco_mask.decode(encoded).T, strict=True):
            cv2.transpose(columns, dst=mask)
    return masks.view(np.bool_)


def encode_segmentation(segmentation: Segmentation, height: int, width: int) -> dict[str, Any]:
    """A COCO segmentation of any form as compressed run lengths."""
    if not isinstance(segmentation, dict):
        merged = coco_mask.merge(coco_mask.frPyObjects(list(segmentation), height, width))
        return dict(merged)
    if isinstance(segmentation["counts"], list):
        return dict(coco_mask.frPyObjects(segmentation, height, width))
    return segmentation


def is_drawn(entry: dict[str, Any]) -> bool:
    """Whether there is a segmentation; some polygons have too few corners to enclose anything."""
    shape = entry["segmentation"]
    return bool(shape) and (not isinstance(shape, list) or all(len(polygon) >= 6 for polygon in shape))


def file_name(info: dict[str, Any]) -> str:
    """COCO names the file; LVIS gives its address, whose last part is the name."""
    return str(info.get("file_name") or str(info["coco_url"]).rpartition("/")[2])


def read_entries(path: Path | str, *, top: str | None = None) -> Iterator[tuple[str, Any]]:
    """Yield (section, entry) of a JSON file whose top level is an object of lists; other values whole.

    With `top`, the top level may be a list: its entries are of this section.

    Only one entry at a time exists as Python objects, so that a file of a gigabyte needs little more memory
    than its text.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not JSON, or the top level is not an object.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no annotations at {path}")
    text = read_text(path)
    try:
        if top is not None and text.startswith("[", _skip(text, 0)):
            for entry, _ in _entries(text, _expect(text, 0, "[")):
                yield top, entry
        else:
            yield from _sections(text)
    except (json.JSONDecodeError, IndexError) as error:
        raise ValueError(f"{path}: not a readable JSON object of lists ({error})") from error


def _sections(text: str) -> Iterator[tuple[str, Any]]:
    place = _expect(text, 0, "{")
    while text[place] != "}":
        name, place = json.JSONDecoder().raw_decode(text, place)
        place = _expect(text, place, ":")
        if text[place] == "[":
            place = _expect(text, place, "[")
            for entry, after in _entries(text, place):
                yield name, entry
                place = after
            place += 1
        else:
            value, place = json.JSONDecoder().raw_decode(text, place)
            yield name, value
        place = _after_comma(text, place, "}")


def _entries(text: str, place: int) -> Iterator[tuple[Any, int]]:
    """The entries of a list, each with the place of what follows it: the next entry, or the bracket."""
    while text[place] != "]":
        entry, place = json.JSONDecoder().raw_decode(text, place)
        place = _after_comma(text, place, "]")
        yield entry, place


def _skip(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place


def _expect(text: str, place: int, sign: str) -> int:
    """The place after `sign` and the space behind it."""
    place = _skip(text, place)
    if text[place] != sign:
        raise json.JSONDecodeError(f"expected {sign!r}", text, place)
    return _skip(text, place + 1)


def _after_comma(text: str, place: int, end: str) -> int:
    """The place of the next entry, or of the closing sign `end`."""
    place = _skip(text, place)
    return place if text[place] == end else _expect(text, place, ",")
