"""Images with the objects of a COCO or LVIS annotation file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from civos_siaf.coco import Segmentation, decode_all, encode, file_name, is_drawn, read_entries
from civos_siaf.data.fast_images import read_fast
from civos_siaf.data.samples import ImageSample


class Entry(NamedTuple):
    """An image and the segmentations of its objects, not decoded yet."""

    name: str
    height: int
    width: int
    folder: str
    segmentations: list[Segmentation]


class CocoImages:
    """Images of a COCO or LVIS instance file, polygons or run lengths; crowds are left out.

    The file is read once, entry by entry; what stays is compact (float32 corners or compressed run lengths),
    and masks are decoded when an image is asked for.

    Args:
        annotations: the JSON file.
        images: folder with the images; LVIS, whose images are of two COCO splits, also finds them one folder
            below (train2017, val2017).
        min_area: leave out objects with fewer pixels, by the file's `area`.
        group_by: name of a field of the annotations; every value of it makes a sample of its own. For files
            in which several people have drawn each image.
        keep_empty: keep images without objects.

    Raises:
        FileNotFoundError: no such file or folder.
        ValueError: not such a file, or it holds no object that is large enough.
    """

    def __init__(
        self,
        annotations: Path | str,
        images: Path | str,
        *,
        min_area: float = 1,
        group_by: str | None = None,
        keep_empty: bool = False,
    ) -> None:
        self._folder = Path(images)
        if not self._folder.is_dir():
            raise FileNotFoundError(f"no folder of images at {images}")
        self._entries = read_index(annotations, min_area=min_area, group_by=group_by, keep_empty=keep_empty)
        if not self._entries:
            raise ValueError(f"{annotations}: no object of {min_area} pixels or more")

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> ImageSample:
        """Read an image and decode its masks.

        Raises:
            FileNotFoundError: the image is missing.
            ValueError: the image has another size than the annotations say.
        """
        entry = self._entries[index]
        return ImageSample(entry.name, self._read(entry), decode_masks(entry))

    def entry(self, index: int) -> Entry:
        """What is known of an image without reading it."""
        return self._entries[index]

    def _read(self, entry: Entry) -> NDArray[np.uint8]:
        path = self._folder / entry.name
        if not path.is_file() and (self._folder / entry.folder / entry.name).is_file():
            path = self._folder / entry.folder / entry.name
        image = read_fast(path)
        if image.shape[:2] != (entry.height, entry.width):
            raise ValueError(
                f"{path}: size {image.shape[:2]}, the annotations say {(entry.height, entry.width)} (H, W)"
            )
        return image


def decode_masks(entry: Entry) -> NDArray[np.bool_]:
    """The masks of an image (N, H, W)."""
    return decode_all(entry.segmentations, entry.height, entry.width)


def read_index(
    path: Path | str, *, min_area: float = 1, group_by: str | None = None, keep_empty: bool = False
) -> list[Entry]:
    """Read an annotation file into one entry per image (and value of `group_by`), in the file's order.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not such a file, or a field is missing.
    """
    infos: dict[int, dict[str, Any]] = {}
    objects: dict[int, dict[Any, list[Segmentation]]] = {}
    try:
        for section, item in read_entries(path):
            if section == "images":
                infos[item["id"]] = item
            elif section == "annotations" and _wanted(item, min_area):
                group = item[group_by] if group_by else None
                groups = objects.setdefault(item["image_id"], {})
                groups.setdefault(group, []).append(_compact(item["segmentation"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not a COCO or LVIS instance file ({error!r})") from error
    if unknown := objects.keys() - infos.keys():
        raise ValueError(f"{path}: annotations of image {min(unknown)}, which is not in `images`")
    if keep_empty:
        objects = {image: objects.get(image, {None: []}) for image in infos}
    return [
        Entry(file_name(infos[image]), infos[image]["height"], infos[image]["width"], _split(infos[image]), s)
        for image in infos
        if image in objects
        for _, s in sorted(objects[image].items(), key=lambda pair: str(pair[0]))
    ]


def _wanted(item: dict[str, Any], min_area: float) -> bool:
    return not item.get("iscrowd") and is_drawn(item) and item.get("area", min_area) >= min_area


def _compact(segmentation: Any) -> Segmentation:
    """Polygons as float32 arrays, run lengths compressed: a fraction of the lists' memory."""
    if isinstance(segmentation, list):
        return [np.asarray(polygon, dtype=np.float32) for polygon in segmentation]
    return encode(segmentation, *segmentation["size"])


def _split(info: dict[str, Any]) -> str:
    """The folder in an LVIS address: train2017 or val2017."""
    parts = str(info.get("coco_url", "")).split("/")
    return parts[-2] if len(parts) > 1 else ""
