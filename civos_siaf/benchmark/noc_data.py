"""Objects to evaluate clicks on: folders of images with masks, and COCO or LVIS annotations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from civos_siaf.benchmark.dataset import DavisDataset
from civos_siaf.benchmark.noc import IGNORE, ClickSample
from civos_siaf.masks import VOID, read_png
from civos_siaf.masks.coco import decode_segmentation, file_name, is_drawn
from civos_siaf.runtime.text_files import read_text
from civos_siaf.video.image_files import MASK_SUFFIXES, by_stem
from civos_siaf.video.image_pixels import read_image


class FolderClickSamples:
    """Images in one folder and masks of the same name in another.

    Args:
        images: folder of images.
        masks: folder of PNG masks, indexed or 8-bit grey, name by name.
        per_object: each value is an object of its own; otherwise all values above 0 are one object.
        ignore: value of pixels that do not count (128 in GrabCut, 220 in Pascal VOC); None: there is none.
        min_area: leave out objects with fewer pixels.

    Raises:
        FileNotFoundError: no such folder, or an image without a mask.
    """

    def __init__(
        self,
        images: Path | str,
        masks: Path | str,
        *,
        per_object: bool = False,
        ignore: int | None = None,
        min_area: int = 1,
    ) -> None:
        images, masks = Path(images), Path(masks)
        for folder in (images, masks):
            if not folder.is_dir():
                raise FileNotFoundError(f"no folder at {folder}")
        pictures, labelled = by_stem(images), by_stem(masks, MASK_SUFFIXES)
        for stem, path in pictures.items():
            if stem not in labelled:
                raise FileNotFoundError(f"no mask {masks / stem}.png for the image {path}")
        self._images = list(pictures.values())
        self._masks = [labelled[stem] for stem in pictures]
        self.per_object = per_object
        self.ignore = ignore
        self.min_area = max(min_area, 1)

    def __iter__(self) -> Iterator[ClickSample]:
        for path, mask in zip(self._images, self._masks, strict=True):
            labels = read_png(mask)
            known = labels != self.ignore if self.ignore is not None else np.ones(labels.shape, bool)
            objects = [labels == value for value in np.unique(labels[known & (labels > 0)])]
            if not self.per_object:
                objects = [known & (labels > 0)]
            image = read_image(path)
            for number, pixels in enumerate(objects, 1):
                if pixels.sum() >= self.min_area:
                    truth = np.where(known, pixels, IGNORE).astype(np.int8)
                    name = f"{path.stem}/{number}" if self.per_object else path.stem
                    yield ClickSample(name, image, truth)


class CocoSamples:
    """Objects of a COCO or LVIS annotation file; crowds are left out.

    Args:
        annotations: JSON file with `images` and `annotations`; polygons or run lengths.
        images: folder with the images.
        min_area: leave out objects with fewer pixels.
        limit: so many objects at most, spread evenly over the file; None takes all.

    Raises:
        FileNotFoundError: no such file or folder.
        ValueError: not such a JSON file.
    """

    def __init__(
        self, annotations: Path | str, images: Path | str, *, min_area: int = 1, limit: int | None = None
    ) -> None:
        self._path, self._folder = Path(annotations), Path(images)
        if not self._path.is_file():
            raise FileNotFoundError(f"no annotation file at {self._path}")
        if not self._folder.is_dir():
            raise FileNotFoundError(f"no image folder at {self._folder}")
        try:
            content = json.loads(read_text(self._path))
            self._images: dict[int, dict[str, Any]] = {image["id"]: image for image in content["images"]}
            objects = [entry for entry in content["annotations"] if not entry.get("iscrowd")]
            objects = [e for e in objects if e.get("area", min_area) >= min_area and is_drawn(e)]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self._path}: not a COCO or LVIS annotation file ({error!r})") from error
        if limit is not None and limit < len(objects):
            objects = [objects[i] for i in np.linspace(0, len(objects) - 1, limit).astype(int)]
        self._objects = sorted(objects, key=lambda entry: entry["image_id"])
        self.min_area = max(min_area, 1)

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[ClickSample]:
        last: tuple[int, NDArray[np.uint8]] | None = None
        for entry in self._objects:
            info = self._images[entry["image_id"]]
            if last is None or last[0] != entry["image_id"]:
                last = entry["image_id"], read_image(self._folder / file_name(info))
            mask = decode_segmentation(entry["segmentation"], info["height"], info["width"])
            if mask.sum() >= self.min_area:
                yield ClickSample(f"{info['id']}/{entry['id']}", last[1], mask.astype(np.int8))


class VideoSamples:
    """Every n-th frame of each sequence with the union of its objects, as RITM evaluates DAVIS.

    Args:
        dataset: the sequences.
        every: n.
        min_area: leave out frames with fewer object pixels.
    """

    def __init__(self, dataset: DavisDataset, *, every: int = 10, min_area: int = 100) -> None:
        if every < 1:
            raise ValueError(f"every must be 1 or more, got {every}")
        self.dataset, self.every, self.min_area = dataset, every, max(min_area, 1)

    def __iter__(self) -> Iterator[ClickSample]:
        for sequence in self.dataset.sequences:
            truth, frames = self.dataset.annotations(sequence), self.dataset.frames(sequence)
            for t in range(0, len(truth), self.every):
                labels = np.where(truth[t] >= VOID, -1, truth[t] > 0).astype(np.int8)
                if (labels == 1).sum() >= self.min_area:
                    yield ClickSample(f"{sequence}/{t}", frames[t], labels)
