"""DAVIS 2016 at 240p, from 480p of DAVIS 2016 or 2017."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from civos_siaf.data.fast_images import read_fast
from civos_siaf.data.light_sets.pictures import copy_file, smaller_image, smaller_mask, write_jpeg
from civos_siaf.data.light_sets.sources import wrong_root
from civos_siaf.data.videos import image_beside
from civos_siaf.masks import read_png, write_png
from civos_siaf.runtime.files import write_text
from civos_siaf.video.image_files import MASK_SUFFIXES, by_stem

TRAIN = (
    *("bear", "bmx-bumps", "boat", "breakdance-flare", "bus", "car-turn", "dance-jump", "dog-agility"),
    *("drift-turn", "elephant", "flamingo", "hike", "hockey", "horsejump-low", "kite-walk", "lucia"),
    *("mallard-fly", "mallard-water", "motocross-bumps", "motorbike", "paragliding", "rhino", "rollerblade"),
    *("scooter-gray", "soccerball", "stroller", "surf", "swing", "tennis", "train"),
)
"""The training sequences of DAVIS 2016."""

VALIDATION = ("blackswan", "bmx-trees", "camel", "car-shadow", "dog", "kite-surf")
"""Six of its validation sequences, on which trainings are watched; never trained on."""

HEIGHT = 240
EXPECTED = "JPEGImages/480p and Annotations/480p with the training sequences of DAVIS 2016"


@dataclass(frozen=True)
class DavisWriter:
    """Writes `folder` in the layout of DAVIS: 240p, masks of labels 0 and 1, and two lists.

    All objects of DAVIS 2017 become one. Where a sequence is there at 240p only, its files are copied.

    Attributes:
        root: of DAVIS.
        folder: of the new data set.
        quality: of the JPEG files, 1 to 95.
        limit: so many training sequences; None: all.
    """

    root: Path
    folder: Path
    quality: int
    limit: int | None = None

    @property
    def validation(self) -> list[str]:
        """The validation sequences that the root has."""
        return [name for name in VALIDATION if self._source(name)]

    @property
    def train(self) -> list[str]:
        """The training sequences.

        Raises:
            FileNotFoundError: one is missing.
        """
        names = list(TRAIN[: self.limit])
        if missing := [name for name in names if self._source(name) is None]:
            raise wrong_root("davis", self.root, f"{EXPECTED}; {', '.join(missing)} missing")
        return names

    def write(self) -> Iterator[tuple[str, int, int]]:
        """Write the sequences that are not there, and yield (sequence, finished, total) after each.

        Raises:
            FileNotFoundError: a sequence or an image is missing.
            ValueError: a damaged file, or sizes that differ.
        """
        train, validation = self.train, self.validation
        names = [*train, *validation]
        for number, name in enumerate(names, 1):
            self._sequence(name)
            yield name, number, len(names)
        for split, listed in (("train", train), ("val_dev", validation)):
            if listed:
                write_text(self.folder / "ImageSets" / "2016" / f"{split}.txt", "\n".join(listed) + "\n")

    def _source(self, name: str) -> str | None:
        """The resolution at which the root has a sequence."""
        for resolution in ("480p", "240p"):
            if all((self.root / kind / resolution / name).is_dir() for kind in ("JPEGImages", "Annotations")):
                return resolution
        return None

    def _sequence(self, name: str) -> None:
        resolution = self._source(name)
        assert resolution is not None
        masks = self.root / "Annotations" / resolution / name
        for stem, path in by_stem(masks, MASK_SUFFIXES).items():
            new_mask = self.folder / "Annotations" / "240p" / name / f"{stem}.png"
            new_image = self.folder / "JPEGImages" / "240p" / name / f"{stem}.jpg"
            if new_mask.is_file() and new_image.is_file():
                continue
            image_path = image_beside(self.root / "JPEGImages" / resolution / name, stem)
            labels, image = read_png(path), read_fast(image_path)
            if labels.shape != image.shape[:2]:
                raise ValueError(f"{path}: size {labels.shape}, the image has {image.shape[:2]} (H, W)")
            inside = labels > 0  # 255 in DAVIS 2016
            if resolution == "240p":
                copy_file(image_path, new_image)
                write_png(new_mask, inside.astype(np.uint8))
                continue
            size = HEIGHT, max(1, round(image.shape[1] * HEIGHT / image.shape[0]))
            write_jpeg(new_image, smaller_image(image, size), quality=self.quality)
            write_png(new_mask, smaller_mask(inside, size).astype(np.uint8))
