"""BSDS500: what up to three people each have drawn in an image."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from civos_siaf.data.light_sets.coco import by_image, picture_of
from civos_siaf.data.light_sets.matlab import read_variable
from civos_siaf.data.light_sets.pictures import Picture, Region
from civos_siaf.data.light_sets.sources import first_there, wrong_root
from civos_siaf.runtime.text_files import read_names
from civos_siaf.video.image_files import by_stem

SPLITS = ("train", "val", "test")
SHARES = (0.005, 0.6)
"""Smallest and largest share of the image of a region that is kept."""

DRAWINGS = 3
EXPECTED = "images/ and groundTruth/ (below BSR/BSDS500/data), or regions.json with images/"


def bsds500_pictures(root: Path, *, without: Collection[str] = ()) -> list[Picture]:
    """The pictures of all three splits; regions say by `segmentation_index` which drawing they are of.

    Args:
        root: of the data set, as unpacked, or a reduced copy.
        without: names of images to leave out, without suffix.

    Raises:
        FileNotFoundError: the root holds no BSDS500, or an image lacks its drawings.
        ValueError: a damaged file, when its picture is read.
    """
    reduced = root / "regions.json"
    if reduced.is_file():
        return [
            picture_of(root / "images" / info["file_name"], info, regions, source=reduced)
            for info, regions in by_image(reduced)
            if Path(info["file_name"]).stem not in without and regions
        ]
    data = first_there(root, ("BSR/BSDS500/data/groundTruth", "BSDS500/data/groundTruth", "data/groundTruth"))
    data = (data or root / "groundTruth").parent
    if not (data / "groundTruth").is_dir() or not (data / "images").is_dir():
        raise wrong_root("bsds500", root, EXPECTED)
    found = []
    for split in SPLITS:
        folder = data / "images" / split
        for stem, path in by_stem(folder).items() if folder.is_dir() else ():
            drawings = data / "groundTruth" / split / f"{stem}.mat"
            if not drawings.is_file():
                raise FileNotFoundError(f"{path}: no drawings at {drawings}")
            if stem not in without:
                found.append(_picture(f"{split}/{stem}.jpg", path, drawings))
    if not found:
        raise wrong_root("bsds500", root, EXPECTED)
    return found


def names_of(place: Path) -> set[str]:
    """Names of images without suffix: those in a folder, or one a line of a text file.

    Raises:
        FileNotFoundError: no such file or folder.
    """
    if place.is_dir():
        return set(by_stem(place))
    if not place.is_file():
        raise FileNotFoundError(f"grabcut={place}: neither a folder of images nor a list of names")
    return {Path(name).stem for name in read_names(place)}


def _picture(name: str, path: Path, drawings: Path) -> Picture:
    def read(size: tuple[int, int]) -> list[Region]:
        regions = []
        for index, labels in enumerate(_drawings(drawings)):
            if labels.shape != size:
                raise ValueError(f"{drawings}: size {labels.shape}, {path} has {size} (H, W)")
            notes = {"category_id": 1, "segmentation_index": index}
            regions += [Region(labels == value, notes) for value in np.unique(labels)]
        return regions

    return Picture(name, path, read)


def _drawings(path: Path) -> list[np.ndarray]:
    cells = read_variable(path, "groundTruth").ravel()[:DRAWINGS]
    try:
        return [np.asarray(cell["Segmentation"][0, 0]) for cell in cells]
    except (IndexError, ValueError) as error:
        raise ValueError(
            f"{path}: not drawings of BSDS500, expected a Segmentation in each ({error})"
        ) from error
