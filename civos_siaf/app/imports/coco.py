"""Masks from COCO JSON: run lengths or polygons, with or without tracks."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from civos_siaf.app.imports.frame_numbers import frame_numbers
from civos_siaf.app.imports.imported import Imported, check_number_of_objects
from civos_siaf.app.run_lengths import check_counts
from civos_siaf.coco import decode, read_entries
from civos_siaf.frames import Frames
from civos_siaf.masks import VOID
from civos_siaf.protocol import Labels

MAX_FILE = 2**30
_MOST_EDGES = 8  # per pixel: its four sides, and bridges
_SECTIONS = ("images", "annotations", "categories")


def read_coco_masks(path: Path, frames: Frames, *, frame: int | None = None) -> Imported:
    """Annotations of one video; later ones are drawn over earlier ones.

    An image is of the frame that `frame_index` says, or else its file name. Annotations of one object have
    the same `track_id` or `instance_id`. Without these, the annotations of a single image are an object each;
    of several images, those of a category are one object.

    Args:
        path: the JSON file.
        frames: the video.
        frame: the frame that a file with one image is of; None: as the file says.

    Raises:
        FileNotFoundError: nothing at `path`.
        ValueError: not COCO, an image of another size, a frame that does not exist, a segmentation that
            cannot be drawn, or several annotations that could be the same object.
    """
    if path.is_file() and path.stat().st_size > MAX_FILE:
        raise ValueError(f"{path.name}: larger than {MAX_FILE >> 20} MiB")
    try:
        sections = _read(path)
        place = _places(sections["images"], frames, frame)
        drawn, names = _objects(sections, place)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path.name}: not a COCO file of masks ({error!r})") from error
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    check_number_of_objects(path.name, len(names))

    def labels(number: int) -> Labels:
        found = np.zeros(frames.size, dtype=np.uint8)
        for object_number, entry in drawn[number]:
            found[_mask(entry, frames.size)] = object_number
        return found

    for number in drawn:
        try:
            labels(number)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path.name}: frame {number}: {error!r}") from error
        except ValueError as error:
            raise ValueError(f"{path.name}: frame {number}: {error}") from error
    return Imported(tuple(sorted(drawn)), names, labels)


def _read(path: Path) -> dict[str, list[dict[str, Any]]]:
    sections: dict[str, list[dict[str, Any]]] = {name: [] for name in _SECTIONS}
    for name, entry in read_entries(path):
        if name in sections:
            if not isinstance(entry, dict):
                raise TypeError(f"{name} must be a list of objects")
            sections[name].append(entry)
    return sections


def _places(images: list[dict[str, Any]], frames: Frames, frame: int | None) -> dict[int, int]:
    """The frame of every image id."""
    for image in images:
        if (image["height"], image["width"]) != frames.size:
            found = f"{image['width']}x{image['height']}"
            raise ValueError(
                f"image {image['id']} is {found} pixels, the video {frames.width}x{frames.height}"
            )
    if frame is not None and len(images) == 1:
        numbers = [frame]
    elif all("frame_index" in image for image in images):
        numbers = [image["frame_index"] for image in images]
    else:
        numbers = frame_numbers([str(image["file_name"]) for image in images], frames)
    for number in numbers:
        if type(number) is not int or not 0 <= number < len(frames):
            raise ValueError(f"frame {number!r}: the video has frames 0 to {len(frames) - 1}")
    if len(set(numbers)) < len(numbers):
        raise ValueError("several images are of the same frame")
    return {image["id"]: number for image, number in zip(images, numbers, strict=True)}


def _objects(
    sections: Mapping[str, list[dict[str, Any]]], place: Mapping[int, int]
) -> tuple[dict[int, list[tuple[int, dict[str, Any]]]], dict[int, str | None]]:
    """For every frame the annotations with the number of their object, and the objects' names."""
    categories = {entry["id"]: str(entry["name"]) for entry in sections["categories"]}
    alone = len({entry["image_id"] for entry in sections["annotations"]}) == 1
    drawn: dict[int, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    numbers: dict[tuple[str, object], int] = {}
    names: dict[int, str | None] = {}
    for index, entry in enumerate(sections["annotations"]):
        if entry["image_id"] not in place:
            raise ValueError(f"annotation {index} is of image {entry['image_id']!r}, which is not listed")
        frame, key = place[entry["image_id"]], _key(entry, index if alone else None)
        number = numbers.setdefault(key, len(numbers) + 1)
        if key[0] == "category" and any(number == other for other, _ in drawn[frame]):
            raise ValueError(f"frame {frame} has several annotations of category {key[1]!r} without track_id")
        names[number] = categories.get(entry.get("category_id"))
        drawn[frame].append((number, entry))
        check_number_of_objects("objects", len(numbers))
    return _by_track(numbers, dict(drawn), names)


def _by_track(
    numbers: Mapping[tuple[str, object], int],
    drawn: dict[int, list[tuple[int, dict[str, Any]]]],
    names: dict[int, str | None],
) -> tuple[dict[int, list[tuple[int, dict[str, Any]]]], dict[int, str | None]]:
    """The tracks' own numbers in place of ours, where an 8-bit label can hold them."""
    own: dict[int, int] = {}
    for (kind, track), number in numbers.items():
        if kind != "track" or type(track) is not int or not 0 < track < VOID:
            return drawn, names
        own[number] = track
    renumbered = {
        frame: [(own[number], entry) for number, entry in entries] for frame, entries in drawn.items()
    }
    return renumbered, {own[number]: name for number, name in names.items()}


def _key(entry: Mapping[str, Any], index: int | None) -> tuple[str, object]:
    """What tells an object from others."""
    for name in ("track_id", "instance_id"):
        if entry.get(name) is not None:
            return "track", entry[name]
    return ("annotation", index) if index is not None else ("category", entry["category_id"])


def _mask(entry: Mapping[str, Any], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask of an annotation, after everything that the decoder trusts was checked."""
    shape = entry["segmentation"]
    if isinstance(shape, dict):
        if list(shape["size"]) != list(size):
            raise ValueError(f"run lengths of size {shape['size']}, the video is {list(size)} (H, W)")
        counts = shape["counts"]
        if isinstance(counts, str):
            check_counts(counts, size[0] * size[1])
        elif not all(type(count) is int and count >= 0 for count in counts) or sum(counts) != math.prod(size):
            raise ValueError("run lengths do not fill the frame")
    else:
        for polygon in shape:
            _check_polygon(polygon, size)
        if not shape:
            return np.zeros(size, dtype=bool)
    return decode(shape, *size)


def _check_polygon(polygon: list[float], size: tuple[int, int]) -> None:
    if len(polygon) < 6 or len(polygon) % 2:
        raise ValueError(f"a polygon has x and y of three corners or more, this one {len(polygon)} numbers")
    corners = np.array(polygon, dtype=np.float64).reshape(-1, 2)
    beyond = np.abs(corners - np.array(size[::-1]) / 2) > np.array(size[::-1])
    if beyond.any() or not np.isfinite(corners).all():
        raise ValueError(f"a polygon goes far beyond the frame of {size[1]}x{size[0]} pixels")
    length = np.abs(corners - np.roll(corners, 1, axis=0)).sum()
    if length > _MOST_EDGES * math.prod(size) + sum(size):
        raise ValueError(f"a polygon of {length:.0f} pixels' length; the frame has not so many edges")
