"""COCO or LVIS: whole data sets, or reduced copies of the same form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from civos_siaf.data.coco import address_folder, compact
from civos_siaf.data.light_sets.pictures import Picture, Region
from civos_siaf.data.light_sets.sources import first_there, wrong_root
from civos_siaf.masks.coco import Segmentation, decode_segmentation, file_name, is_drawn, read_entries

Split = Literal["train2017", "val2017"]

_WHOLE = ("annotations/instances_{split}.json", "instances_{split}.json")
_LVIS = ("lvis_v1_train.json", "annotations/lvis_v1_train.json")
_IMAGES = ("{split}", "images/{split}", "images", ".")
EXPECTED = (
    "annotations/instances_train2017.json with train2017/, lvis_v1_train.json, or instances.json with images/"
)


@dataclass(frozen=True)
class Drawn:
    """A region of an annotation file, not decoded yet."""

    segmentation: Segmentation
    notes: dict[str, Any]


def coco_pictures(roots: Sequence[Path], split: Split) -> tuple[list[Picture], list[dict[str, Any]]]:
    """The pictures of a split, of all roots, and their categories by name; crowds are left out.

    A root holds whole COCO, LVIS (where there is no COCO), or a reduced copy: `instances.json`, in which
    `coco_split` tells training from validation, with `images/`.

    Raises:
        FileNotFoundError: a root holds none of these.
        ValueError: not such a file, or an image is in two roots.
    """
    found: dict[str, Picture] = {}
    shared: dict[str, int] = {}
    for root in roots:
        path = annotation_file(root, split)
        for picture in _of_file(path, root, split, shared) if path else ():
            if picture.name in found:
                raise ValueError(
                    f"{picture.name} is in two roots: {found[picture.name].path} and {picture.path}"
                )
            found[picture.name] = picture
    return list(found.values()), [{"id": number, "name": name} for name, number in shared.items()]


def annotation_file(root: Path, split: Split) -> Path | None:
    """The annotations of a split; None: the root has none of validation."""
    whole = first_there(root, [name.format(split=split) for name in _WHOLE])
    reduced = first_there(root, ["instances.json"])
    train = split == "train2017"
    path = whole or reduced or (first_there(root, _LVIS) if train else None)
    if path is None and train:
        raise wrong_root("coco", root, EXPECTED)
    return path


def by_image(path: Path) -> Iterator[tuple[dict[str, Any], list[Drawn]]]:
    """Images of an annotation file with their regions, in the file's order; crowds are left out.

    Raises:
        ValueError: not such a file.
    """
    infos: dict[int, dict[str, Any]] = {}
    drawn: dict[int, list[Drawn]] = {}
    try:
        for section, item in read_entries(path):
            if section == "images":
                infos[item["id"]] = item
            elif section == "annotations" and not item.get("iscrowd") and is_drawn(item):
                notes = {
                    key: item[key] for key in ("category_id", "name", "segmentation_index") if key in item
                }
                drawn.setdefault(item["image_id"], []).append(Drawn(compact(item["segmentation"]), notes))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not a COCO or LVIS instance file ({error!r})") from error
    for number, info in infos.items():
        yield info, drawn.get(number, [])


def categories_of(path: Path) -> list[dict[str, Any]]:
    """The categories of an annotation file, by number and name."""
    found = [item for section, item in read_entries(path) if section == "categories"]
    return [{"id": item["id"], "name": item.get("name", str(item["id"]))} for item in found]


def picture_of(path: Path, info: dict[str, Any], regions: Sequence[Drawn], *, source: Path) -> Picture:
    """A picture of an annotation file `source`; its image must have the size that the file says."""
    said = int(info["height"]), int(info["width"])

    def read(size: tuple[int, int]) -> list[Region]:
        if size != said:
            raise ValueError(f"{path}: size {size}, {source} says {said} (H, W)")
        return [Region(decode_segmentation(one.segmentation, *said), one.notes) for one in regions]

    kept: dict[str, Any] = {key: info[key] for key in ("coco_split", "license", "split") if key in info}
    return Picture(str(Path(file_name(info)).with_suffix(".jpg")), path, read, kept)


def _of_file(path: Path, root: Path, split: Split, shared: dict[str, int]) -> Iterator[Picture]:
    """The pictures of one file, with the category numbers that the names have in `shared`, which grows."""
    numbers = {}
    for item in categories_of(path):
        free = item["id"] if item["id"] not in shared.values() else max(shared.values()) + 1
        numbers[item["id"]] = shared.setdefault(item["name"], free)
    folders = [root / name.format(split=split) for name in _IMAGES]
    own = split if split in path.name else "train2017"
    for info, regions in by_image(path):
        if (info.get("coco_split") or address_folder(info) or own) != split or not regions:
            continue
        name = file_name(info)
        image = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if image is None:
            raise FileNotFoundError(f"{path}: no image {name} in {', '.join(map(str, folders[:3]))}")
        for one in regions:
            one.notes["category_id"] = numbers.get(one.notes["category_id"], one.notes["category_id"])
        yield picture_of(image, info, regions, source=path)
