"""Images with the objects of a COCO or LVIS annotation file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from civos_siaf.data.fast_images import read_fast
from civos_siaf.data.samples import ImageSample
from civos_siaf.masks.coco import (
    Segmentation,
    decode_all,
    encode_segmentation,
    file_name,
    is_drawn,
    read_entries,
)


class ImageEntry(NamedTuple):
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
        return ImageSample(
            entry.name, read_entry_image(locate(self._folder, entry), entry), decode_masks(entry)
        )

    def entry(self, index: int) -> ImageEntry:
        """What is known of an image without reading it."""
        return self._entries[index]


def locate(folder: Path, entry: ImageEntry) -> Path:
    """Where the image of an entry is: in the folder, or in the one that its address names."""
    path = folder / entry.name
    below = folder / entry.folder / entry.name
    return below if not path.is_file() and below.is_file() else path


def read_entry_image(path: Path, entry: ImageEntry) -> NDArray[np.uint8]:
    """Read the image of an entry.

    Raises:
        FileNotFoundError: no such file.
        ValueError: damaged, or of another size than the annotations say.
    """
    image = read_fast(path)
    if image.shape[:2] != (entry.height, entry.width):
        raise ValueError(
            f"{path}: size {image.shape[:2]}, the annotations say {(entry.height, entry.width)} (H, W)"
        )
    return image


def decode_masks(entry: ImageEntry) -> NDArray[np.bool_]:
    """The masks of an image (N, H, W)."""
    return decode_all(entry.segmentations, entry.height, entry.width)


def read_index(
    path: Path | str, *, min_area: float = 1, group_by: str | None = None, keep_empty: bool = False
) -> list[ImageEntry]:
    """Read an annotation file into one entry per image (and value of `group_by`), in the file's order.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not such a file, or a field is missing.
    """
    infos: dict[int, tuple[str, int, int, str]] = {}
    objects: dict[int, dict[Any, list[Segmentation]]] = {}
    try:
        for section, item in read_entries(path):
            if section == "images":
                place = file_name(item), item["height"], item["width"], address_folder(item)
                infos[item["id"]] = place
            elif section == "annotations" and _wanted(item, min_area):
                group = item[group_by] if group_by else None
                groups = objects.setdefault(item["image_id"], {})
                groups.setdefault(group, []).append(compact(item["segmentation"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not a COCO or LVIS instance file ({error!r})") from error
    if unknown := objects.keys() - infos.keys():
        raise ValueError(f"{path}: annotations of image {min(unknown)}, which is not in `images`")
    if keep_empty:
        objects = {image: objects.get(image, {None: []}) for image in infos}
    return [
        ImageEntry(*infos[image], segmentations)
        for image in infos
        if image in objects
        for _, segmentations in sorted(objects[image].items(), key=lambda pair: str(pair[0]))
    ]


def _wanted(item: dict[str, Any], min_area: float) -> bool:
    return not item.get("iscrowd") and is_drawn(item) and item.get("area", min_area) >= min_area


def compact(segmentation: Any) -> Segmentation:
    """Polygons as float32 arrays, run lengths compressed: a fraction of the lists' memory."""
    if isinstance(segmentation, list):
        return [np.asarray(polygon, dtype=np.float32) for polygon in segmentation]
    return encode_segmentation(segmentation, *segmentation["size"])


def address_folder(info: dict[str, Any]) -> str:
    """The folder in an LVIS address: train2017 or val2017."""
    parts = str(info.get("coco_url", "")).split("/")
    return parts[-2] if len(parts) > 1 else ""


class CocoLvisImages:
    """LVIS masks, and those COCO masks that LVIS does not have.

    LVIS marks more objects, COCO those that LVIS left out. A COCO mask is left out if some LVIS mask of the
    image has a box IoU and a mask IoU with it above `match`.

    Args:
        lvis: LVIS annotations, JSON.
        coco: COCO instances, JSON; one file or several, as LVIS splits COCO's images in its own way.
        images: folder with the images, or with train2017 and val2017.
        stuff: COCO stuff as instance JSON of segments; its segments are added for a share of the images.
        stuff_probability: that share; which images, is fixed by their number.
        min_area: leave out objects with fewer pixels.
        match: see above.

    Raises:
        FileNotFoundError: no such file or folder.
        ValueError: not such a file, or no object is large enough.
    """

    def __init__(
        self,
        lvis: Path | str,
        coco: Path | str | list[Path | str],
        images: Path | str,
        *,
        stuff: Path | str | None = None,
        stuff_probability: float = 0.3,
        min_area: float = 80,
        match: float = 0.7,
    ) -> None:
        self._folder = Path(images)
        if not self._folder.is_dir():
            raise FileNotFoundError(f"no folder of images at {images}")
        self._match, self._stuff_probability = match, stuff_probability
        self._lvis = read_index(lvis, min_area=min_area, keep_empty=True)
        paths = coco if isinstance(coco, list) else [coco]
        self._coco = {entry.name: entry for path in paths for entry in read_index(path, min_area=min_area)}
        self._stuff = {entry.name: entry for entry in read_index(stuff, min_area=min_area)} if stuff else {}
        self._lvis = [e for e in self._lvis if e.segmentations or e.name in self._coco]
        if not self._lvis:
            raise ValueError(f"{lvis}: no object of {min_area} pixels or more")

    def __len__(self) -> int:
        return len(self._lvis)

    def __getitem__(self, index: int) -> ImageSample:
        """Read an image, match its masks and decode them."""
        entry = self._lvis[index]
        found = list(entry.segmentations)
        if entry.name in self._coco:
            found += unmatched(entry, self._coco[entry.name], self._match)
        if entry.name in self._stuff and np.random.default_rng(index).random() < self._stuff_probability:
            found += self._stuff[entry.name].segmentations
        image = read_entry_image(locate(self._folder, entry), entry)
        return ImageSample(entry.name, image, decode_masks(entry._replace(segmentations=found)))


def unmatched(known: ImageEntry, more: ImageEntry, match: float) -> list[Segmentation]:
    """The segmentations of `more` without one in `known` whose box and mask both overlap by IoU > `match`."""
    if not known.segmentations:
        return list(more.segmentations)
    theirs = [encode_segmentation(s, known.height, known.width) for s in known.segmentations]
    ours = [encode_segmentation(s, more.height, more.width) for s in more.segmentations]
    no_crowds = [0] * len(theirs)
    boxes = np.asarray(coco_mask.iou(coco_mask.toBbox(ours), coco_mask.toBbox(theirs), no_crowds))
    masks = np.asarray(coco_mask.iou(ours, theirs, no_crowds))
    alike = (boxes > match) & (masks > match)
    return [s for s, row in zip(more.segmentations, alike, strict=True) if not row.any()]
