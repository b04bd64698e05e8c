"""Car parts: whole cars, put together from the parts that were drawn."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.data.light_sets.coco import by_image, categories_of, picture_of
from civos_siaf.data.light_sets.pictures import Picture, Region
from civos_siaf.data.light_sets.sources import wrong_root

WHOLE = 100
BACKGROUND = "_background_"
CATEGORIES = [{"id": WHOLE, "name": "car"}]
CLOSING = 9
FILLED = 0.9
EXPECTED = "trainingset/annotations.json and testset/annotations.json with JPEGImages/, or parts.json"


def car_pictures(root: Path) -> list[Picture]:
    """The pictures of cars; those without a whole car have no region.

    Raises:
        FileNotFoundError: the root holds no such data set, or an image is missing.
        ValueError: not a COCO file.
    """
    reduced = root / "parts.json"
    if reduced.is_file():
        return [
            picture_of(root / "images" / info["file_name"], info, kept, source=reduced)
            for info, regions in by_image(reduced)
            if (kept := [one for one in regions if one.notes["category_id"] == WHOLE])
        ]
    found = []
    for folder, split in (("trainingset", "train"), ("testset", "test")):
        path = root / folder / "annotations.json"
        if not path.is_file():
            raise wrong_root("cars", root, EXPECTED)
        found += [_picture(picture, split) for picture in _parts(path)]
    return found


def whole_car(parts: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """A car (H, W) from the union of its parts; None where that is clearly not all of it.

    The union is closed by a disk of 9 pixels, and kept where it is one piece that fills at least 0.9 of its
    convex hull: in views from the side the roof and the fenders, which are no parts, leave it hollow.
    """
    edge = CLOSING // 2
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (CLOSING, CLOSING))
    closed = cv2.morphologyEx(np.pad(parts.astype(np.uint8), edge), cv2.MORPH_CLOSE, disk)
    closed = closed[edge:-edge, edge:-edge].copy()
    if cv2.connectedComponents(closed)[0] != 2:
        return None
    outline = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0][0]
    hull = cv2.fillConvexPoly(np.zeros_like(closed), cv2.convexHull(outline), 1)
    return np.asarray(closed, bool) if closed.sum() >= FILLED * hull.sum() else None


def _parts(path: Path) -> list[Picture]:
    backgrounds = _background_ids(path)
    found = []
    for info, regions in by_image(path):
        name = Path(info["file_name"]).name
        image = path.parent / "JPEGImages" / name
        if not image.is_file():
            raise FileNotFoundError(f"{path}: no image {image}")
        kept = [one for one in regions if one.notes["category_id"] not in backgrounds]
        if kept:
            found.append(picture_of(image, {**info, "file_name": name}, kept, source=path))
    return found


def _background_ids(path: Path) -> set[int]:
    return {item["id"] for item in categories_of(path) if item["name"] == BACKGROUND}


def _picture(parts: Picture, split: str) -> Picture:
    def read(size: tuple[int, int]) -> list[Region]:
        car = whole_car(np.any([region.mask for region in parts.regions(size)], axis=0))
        return [] if car is None else [Region(car, {"category_id": WHOLE, "name": "car"})]

    return Picture(f"{split}_{parts.name}", parts.path, read, {"split": split})
