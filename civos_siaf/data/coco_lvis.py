"""COCO and LVIS together, the training set of RITM (spec section 11)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

from civos_siaf.coco import Segmentation, encode
from civos_siaf.data.coco import Entry, decode_masks, locate, read_entry_image, read_index
from civos_siaf.data.samples import ImageSample


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


def unmatched(known: Entry, more: Entry, match: float) -> list[Segmentation]:
    """The segmentations of `more` without one in `known` whose box and mask both overlap by IoU > `match`."""
    if not known.segmentations:
        return list(more.segmentations)
    theirs = [encode(s, known.height, known.width) for s in known.segmentations]
    ours = [encode(s, more.height, more.width) for s in more.segmentations]
    no_crowds = [0] * len(theirs)
    boxes = np.asarray(coco_mask.iou(coco_mask.toBbox(ours), coco_mask.toBbox(theirs), no_crowds))
    masks = np.asarray(coco_mask.iou(ours, theirs, no_crowds))
    alike = (boxes > match) & (masks > match)
    return [s for s, row in zip(more.segmentations, alike, strict=True) if not row.any()]
