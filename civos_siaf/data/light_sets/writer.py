"""Writes a set of pictures: smaller images and one COCO file; a stopped run goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from civos_siaf.data.fast_images import read_fast
from civos_siaf.data.light_sets.pictures import (
    Picture,
    Region,
    copy_file,
    smaller_image,
    smaller_mask,
    smaller_size,
    write_jpeg,
)
from civos_siaf.masks import to_rle
from civos_siaf.runtime.files import write_text

MADE_BY = "prepare_light_data"
JOURNAL = ".finished.jsonl"


@dataclass(frozen=True, kw_only=True)
class SetWriter:
    """Writes `folder/images/` and `folder/<annotations>`.

    Attributes:
        folder: of the set.
        annotations: name of the COCO file.
        longer_side: of the new images, in pixels; smaller ones stay, JPEG files byte for byte.
        quality: of the JPEG files, 1 to 95.
        min_pixels: smaller regions are left out, counted in the new image.
        shares: smallest and largest share of the new image that a region may fill.
        about: what else the set depends on; kept in the file, and compared before a run goes on.
    """

    folder: Path
    annotations: str = "instances.json"
    longer_side: int
    quality: int
    min_pixels: int = 16
    shares: tuple[float, float] = (0.0, 1.0)
    about: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.longer_side < 16:
            raise ValueError(f"longer_side must be 16 or more, got {self.longer_side}")
        if not 1 <= self.quality <= 95:
            raise ValueError(f"quality must be 1 to 95, got {self.quality}")

    @property
    def path(self) -> Path:
        """The annotation file."""
        return self.folder / self.annotations

    @property
    def settings(self) -> dict[str, Any]:
        """What the files depend on."""
        plain = {"made_by": MADE_BY, "longer_side": self.longer_side, "quality": self.quality, **self.about}
        return dict(json.loads(json.dumps(plain)))

    def is_there(self) -> bool:
        """Whether the set was written before, with these settings.

        Raises:
            ValueError: something else is there.
        """
        if not self.path.is_file():
            return False
        try:
            there = json.loads(self.path.read_text(encoding="utf-8")).get("info")
        except (ValueError, AttributeError) as error:
            raise ValueError(
                f"{self.path}: not a COCO file ({error}); remove it or give another out"
            ) from None
        self._same(there, self.path)
        return True

    def write(self, pictures: Sequence[Picture], categories: Sequence[Mapping[str, Any]]) -> Iterator[int]:
        """Write the set, and yield the number of finished pictures after each.

        Pictures without a region that is large enough are left out.

        Raises:
            ValueError: something else is in the folder, or a file cannot be read; it is named.
        """
        lines = self._reopen()
        yield len(lines)
        journal = self.folder / JOURNAL
        with journal.open("a", encoding="utf-8") as file:
            for picture in pictures[len(lines) :]:
                line = self._add(picture)
                file.write(json.dumps(line) + "\n")
                file.flush()
                os.fsync(file.fileno())
                lines.append(line)
                yield len(lines)
        write_text(self.path, json.dumps(self._content(lines, categories)) + "\n")
        journal.unlink()

    def _add(self, picture: Picture) -> dict[str, Any]:
        """Write a picture's image unless it has no region; what is to be noted of it."""
        image = read_fast(picture.path)
        height, width = image.shape[:2]
        size = smaller_size(height, width, self.longer_side)
        regions = [self._region(region, size) for region in picture.regions((height, width))]
        kept = [region for region in regions if region is not None]
        if not kept:
            return {"image": None, "regions": []}
        target = self.folder / "images" / picture.name
        if size == (height, width) and picture.path.suffix.lower() in (".jpg", ".jpeg"):
            copy_file(picture.path, target)
        else:
            write_jpeg(target, smaller_image(image, size), quality=self.quality)
        info = {"file_name": picture.name, "height": size[0], "width": size[1], **picture.notes}
        return {"image": info, "regions": kept}

    def _region(self, region: Region, size: tuple[int, int]) -> dict[str, Any] | None:
        mask = smaller_mask(region.mask, size)
        area = int(mask.sum())
        low, high = self.shares
        if area < max(self.min_pixels, 1) or not low <= area / mask.size <= high:
            return None
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        x, y = int(columns[0]), int(rows[0])
        box = [x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1]
        return {**region.notes, "iscrowd": 0, "segmentation": to_rle(mask), "area": area, "bbox": box}

    def _content(
        self, lines: Sequence[Mapping[str, Any]], categories: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        kept = [line for line in lines if line["image"] is not None]
        if not kept:
            raise ValueError(f"{self.folder}: no picture has a region that is large enough")
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for number, line in enumerate(kept, 1):
            images.append({"id": number, **line["image"]})
            for region in line["regions"]:
                annotations.append({"id": len(annotations) + 1, "image_id": number, **region})
        return {
            "info": self.settings,
            "images": images,
            "annotations": annotations,
            "categories": list(categories),
        }

    def _reopen(self) -> list[dict[str, Any]]:
        """What an earlier run has finished; the journal then holds whole lines only."""
        self.folder.mkdir(parents=True, exist_ok=True)
        journal, lines = self.folder / JOURNAL, list[dict[str, Any]]()
        if journal.is_file():
            whole = [
                text for text in journal.read_text("utf-8").splitlines(keepends=True) if text[-1] == "\n"
            ]
            parsed = [json.loads(text) for text in whole]
            if parsed:
                self._same(parsed[0], journal)
            lines = parsed[1:]
        text = "".join(json.dumps(line) + "\n" for line in [self.settings, *lines])
        write_text(journal, text)
        return lines

    def _same(self, there: Any, path: Path) -> None:
        if not isinstance(there, dict) or there.get("made_by") != MADE_BY:
            raise ValueError(f"{path}: was not made by {MADE_BY}; remove it or give another out")
        now = self.settings
        changed = [
            f"{key}: {there.get(key)!r} there, {now.get(key)!r} now"
            for key in sorted(there.keys() | now.keys())
            if there.get(key) != now.get(key)
        ]
        if changed:
            raise ValueError(
                f"{path}: made with other settings ({'; '.join(changed)}); remove {self.folder} or give "
                "another out"
            )
