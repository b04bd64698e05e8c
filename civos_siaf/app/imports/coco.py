"""Masks from COCO JSON: run lengths or polygons, with or without tracks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from civos_siaf.app.imports.coco_sections import read_sections
from civos_siaf.app.imports.coco_shapes import mask_of
from civos_siaf.app.imports.drawing import DrawnFrame, draw_masks, look_through
from civos_siaf.app.imports.external_masks import (
    AmbiguousMasksError,
    Imported,
    check_number_of_objects,
    frame_numbers,
    with_file_name,
)
from civos_siaf.masks import VOID
from civos_siaf.masks.coco import file_name
from civos_siaf.video.frames import Frames

MAX_FILE = 2**30


def read_coco_masks(
    path: Path, frames: Frames, *, frame: int | None = None, first: int | None = None
) -> Imported:
    """Annotations of one video; where some overlap, the smaller is on top.

    An image is of the frame that `frame_index` says, or else its file name; without a size it has that of
    the video.
    Annotations of one object have the same `track_id` or `instance_id`, their own or among their
    `attributes`. Without these, the annotations of a single image are an object each; of several images,
    those of a category are one object. Files of YouTube-VIS and lists of results are read, too.

    Args:
        path: the JSON file.
        frames: the video.
        frame: the frame that a file with one image is of; None: as the file says.
        first: the number in the file name of frame 0; None: as it fits, see `frame_numbers`.

    Raises:
        FileNotFoundError: nothing at `path`.
        ValueError: not COCO, an image of another size, a frame that does not exist, a segmentation that
            cannot be drawn, or several annotations that could be the same object.
    """
    if path.is_file() and path.stat().st_size > MAX_FILE:
        raise ValueError(f"{path.name}: larger than {MAX_FILE >> 20} MiB")
    try:
        sections = read_sections(path, frames)
        place, naming = _places(sections["images"], frames, frame, first)
        drawn, names = _objects(sections, place)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path.name}: not a COCO file of masks ({error!r})") from error
    except ValueError as error:
        if isinstance(error, AmbiguousMasksError):
            raise with_file_name(path.name, error) from error
        raise ValueError(f"{path.name}: {str(error).removeprefix(f'{path}: ')}") from error
    check_number_of_objects(path.name, len(names))
    notes = (f"masks are {naming}",) if naming else ()

    def draw(entries: list[tuple[int, dict[str, Any]]]) -> DrawnFrame:
        return _draw(entries, frames.size)

    return look_through(path.name, drawn, names, draw, on_top="the smaller one", notes=notes)


def _draw(entries: list[tuple[int, dict[str, Any]]], size: tuple[int, int]) -> DrawnFrame:
    """The labels of a frame, smaller masks on top."""
    masks = [(number, mask_of(entry, size)) for number, entry in entries]
    masks.sort(key=lambda pair: -int(np.count_nonzero(pair[1])))
    return draw_masks(masks, size)


def _places(
    images: list[dict[str, Any]], frames: Frames, frame: int | None, first: int | None
) -> tuple[dict[int, int], str]:
    """The frame of every image id, and how names were read."""
    naming = ""
    for image in images:
        height, width = image.get("height") or frames.height, image.get("width") or frames.width
        if (height, width) != frames.size:
            found = f"{width}x{height}"
            raise ValueError(
                f"image {image['id']} is {found} pixels, the video {frames.width}x{frames.height}"
            )
    if frame is not None and len(images) == 1:
        numbers = [frame]
    elif all("frame_index" in image for image in images):
        numbers = [image["frame_index"] for image in images]
    else:
        names = [file_name(image) for image in images]
        numbers, naming = frame_numbers(names, frames, first=first)
    for number in numbers:
        if type(number) is not int or not 0 <= number < len(frames):
            raise ValueError(f"frame {number!r}: the video has frames 0 to {len(frames) - 1}")
    if len(set(numbers)) < len(numbers):
        raise ValueError("several images are of the same frame")
    return {image["id"]: number for image, number in zip(images, numbers, strict=True)}, naming


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
    attributes = entry.get("attributes")
    for place in (entry, attributes if isinstance(attributes, dict) else {}):
        for name in ("track_id", "instance_id"):
            if place.get(name) is not None:
                return "track", place[name]
    return ("annotation", index) if index is not None else ("category", entry["category_id"])
