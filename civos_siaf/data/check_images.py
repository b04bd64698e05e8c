"""Checking images with objects: COCO and LVIS annotation files, saliency folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from civos_siaf.data.check_summary import Checked, Finder
from civos_siaf.data.coco import ImageEntry, address_folder, locate
from civos_siaf.data.salient import INSIDE, read_grey
from civos_siaf.masks.coco import decode_segmentation, file_name, is_drawn, read_entries
from civos_siaf.video.image_files import MASK_SUFFIXES, file_beside, is_image_name, natural_key

OUTSIDE = 2.0
"""Polygons may reach so many pixels beyond the image before it counts as wrong."""


def check_coco(annotations: Path | str, images: Path | str, *, limit: int | None = None) -> Iterator[Checked]:
    """Check a COCO or LVIS instance file and its images; yields one result per image.

    Raises:
        FileNotFoundError: no such file or folder.
        ValueError: not such a file.
    """
    annotations, images = Path(annotations), Path(images)
    if not images.is_dir():
        raise FileNotFoundError(f"no folder of images at {images}")
    infos: list[dict[str, Any]] = []
    notes: dict[int, list[dict[str, Any]]] = {}
    try:
        for section, item in read_entries(annotations):
            if section == "images":
                infos.append(item)
            elif section == "annotations":
                notes.setdefault(item["image_id"], []).append(item)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{annotations}: not a COCO or LVIS instance file ({error!r})") from error
    unknown = notes.keys() - {info["id"] for info in infos}
    total = min(len(infos), limit or len(infos)) + bool(unknown)
    if unknown:
        finder = Finder()
        finder.say(annotations, f"annotations of {len(unknown)} images not listed, such as {min(unknown)}")
        yield Checked(name="annotations", total=total, problems=tuple(finder.problems))
    for info in infos[:limit]:
        yield _check_image(info, notes.get(info["id"], []), images, total)


def _check_image(info: dict[str, Any], notes: list[dict[str, Any]], folder: Path, total: int) -> Checked:
    finder = Finder()
    height, width = int(info["height"]), int(info["width"])
    path = locate(folder, ImageEntry(file_name(info), height, width, address_folder(info), []))
    image = finder.image(path)
    if image is not None and image.shape[:2] != (height, width):
        finder.say(path, f"size {image.shape[:2]}, the annotations say {(height, width)} (H, W)")
    empty = 0
    for note in notes:
        trouble, pixels = _examine(note, height, width)
        if trouble:
            finder.say(path, f"annotation {note.get('id')}: {trouble}")
        empty += pixels == 0
    return Checked(
        name=path.name,
        total=total,
        images=int(image is not None),
        masks=len(notes),
        objects=sum(not note.get("iscrowd") for note in notes) - empty,
        empty=empty,
        sizes=() if image is None else ((image.shape[0], image.shape[1]),),
        problems=tuple(finder.problems),
    )


def _examine(note: dict[str, Any], height: int, width: int) -> tuple[str, int]:
    """What is wrong with an annotation, and its pixels; -1: not known."""
    try:
        shape = note["segmentation"]
        if not is_drawn(note):
            return "no polygon that encloses anything", 0
        if isinstance(shape, dict) and list(shape["size"]) != [height, width]:
            return f"run lengths of size {shape['size']}, the image has {[height, width]}", -1
        if isinstance(shape, list):
            points = np.concatenate([np.reshape(np.asarray(part, float), (-1, 2)) for part in shape])
            excess = max(float(-points.min()), float((points - (width, height)).max()))
            if excess > OUTSIDE:
                return f"a corner lies {excess:.1f} pixels outside the image", -1
        pixels = int(np.count_nonzero(decode_segmentation(shape, height, width)))
    except (KeyError, TypeError, ValueError) as error:
        return f"segmentation cannot be decoded ({error!r})", -1
    return ("", pixels) if pixels or note.get("area", 0) < 1 else ("covers no pixel", 0)


def check_saliency(root: Path | str, *, limit: int | None = None) -> Iterator[Checked]:
    """Check a folder of <name>.jpg with <name>.png, nested or not; yields one result per image.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: no image.
    """
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f"no folder of images and masks at {root}")
    paths = (path for path in root.rglob("*") if is_image_name(path.name, (".jpg", ".jpeg", ".png")))
    stems = sorted({path.with_suffix("") for path in paths}, key=lambda stem: natural_key(stem.as_posix()))
    if not stems:
        raise ValueError(f"{root}: no images (*.jpg) and masks (*.png)")
    for stem in stems[:limit]:
        yield _check_salient(stem, len(stems[:limit]))


def _check_salient(stem: Path, total: int) -> Checked:
    finder = Finder()
    # Not with_suffix: names may hold dots.
    folder, name = stem.parent, stem.name
    image_path = file_beside(folder, name, (".jpg", ".jpeg")) or folder / f"{name}.jpg"
    mask_path = file_beside(folder, name, MASK_SUFFIXES) or folder / f"{name}.png"
    image = finder.image(image_path)
    mask = finder.read(mask_path, read_grey)
    inside = 0
    if mask is not None:
        inside = int(np.count_nonzero(mask > INSIDE))
        if image is not None:
            finder.same_size(mask_path, mask, image.shape[:2], "its image")
        if inside == mask.size:
            finder.say(mask_path, "covers the whole image")
        elif not inside:
            finder.say(mask_path, f"no pixel above {INSIDE}")
    return Checked(
        name=stem.name,
        total=total,
        images=int(image is not None),
        masks=int(mask is not None),
        objects=int(inside > 0),
        empty=int(mask is not None and not inside),
        sizes=() if image is None else ((image.shape[0], image.shape[1]),),
        problems=tuple(finder.problems),
    )
