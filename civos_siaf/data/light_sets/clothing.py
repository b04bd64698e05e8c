"""Clothing co-parsing: photos of one person, and every piece that the person wears."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from civos_siaf.data.light_sets.coco import by_image, picture_of
from civos_siaf.data.light_sets.matlab import read_variable
from civos_siaf.data.light_sets.pictures import Picture, Region
from civos_siaf.data.light_sets.sources import wrong_root
from civos_siaf.video.image_files import in_order

WHOLE, PIECE = 1, 2
CATEGORIES = {
    "people": {"id": WHOLE, "name": "person with clothes"},
    "clothing": {"id": PIECE, "name": "piece"},
}
EXPECTED = "photos/ and annotations/pixel-level/, or regions.json with images/"


def clothing_pictures(root: Path, what: Literal["people", "clothing"]) -> list[Picture]:
    """The photos with pixel-level annotations.

    Args:
        root: of the data set, or a reduced copy.
        what: the whole person as one region, or the pieces.

    Raises:
        FileNotFoundError: the root holds no such data set, or a photo is missing.
        ValueError: a damaged file, when its picture is read.
    """
    category = CATEGORIES[what]["id"]
    reduced = root / "regions.json"
    if reduced.is_file():
        return [
            picture_of(root / "images" / info["file_name"], info, kept, source=reduced)
            for info, regions in by_image(reduced)
            if (kept := [one for one in regions if one.notes["category_id"] == category])
        ]
    folder = root / "annotations" / "pixel-level"
    if not folder.is_dir() or not (root / "photos").is_dir():
        raise wrong_root("clothing", root, EXPECTED)
    names = label_names(root / "label_list.mat")
    found = []
    for file in in_order(path.name for path in folder.glob("*.mat")):
        photo = root / "photos" / f"{Path(file).stem}.jpg"
        if not photo.is_file():
            raise FileNotFoundError(f"{folder / file}: no photo {photo}")
        found.append(_picture(photo, folder / file, names if what == "clothing" else None))
    if not found:
        raise wrong_root("clothing", root, EXPECTED)
    return found


def label_names(path: Path) -> list[str]:
    """Names of the labels from 0; empty when there is no such file."""
    if not path.is_file():
        return []
    return [str(np.ravel(cell)[0]) for cell in read_variable(path, "label_list").ravel()]


def _picture(photo: Path, annotation: Path, names: list[str] | None) -> Picture:
    """With `names` the pieces, without them the whole person."""

    def read(size: tuple[int, int]) -> list[Region]:
        labels = read_variable(annotation, "groundtruth")
        if labels.shape != size:
            raise ValueError(f"{annotation}: size {labels.shape}, {photo} has {size} (H, W)")
        if names is None:
            return [Region(labels > 0, {"category_id": WHOLE, "name": "person"})]
        return [
            Region(labels == value, {"category_id": PIECE, "name": _name(names, int(value))})
            for value in np.unique(labels[labels > 0])
        ]

    return Picture(photo.name, photo, read)


def _name(names: list[str], value: int) -> str:
    return names[value] if value < len(names) else f"label {value}"
