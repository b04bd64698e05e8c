"""All folders that the light trainings read, from what people have downloaded."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from civos_siaf.data.light_sets import cars, clothing
from civos_siaf.data.light_sets.bsds500 import SHARES, bsds500_pictures, names_of
from civos_siaf.data.light_sets.cars import car_pictures
from civos_siaf.data.light_sets.clothing import clothing_pictures
from civos_siaf.data.light_sets.coco import coco_pictures
from civos_siaf.data.light_sets.davis import DavisWriter
from civos_siaf.data.light_sets.pictures import Picture
from civos_siaf.data.light_sets.sources import PAGES
from civos_siaf.data.light_sets.writer import SetWriter
from civos_siaf.runtime.files import atomic_path

LONGER_SIDES = {"coco": 480, "coco_val": 480, "bsds500": 400, "people": 368, "clothing": 368, "cars": 400}
"""Longer side of the new images of each set, in pixels, unless another is given."""

START = "mobilenetv2_100_seg_init.safetensors"

Content = tuple[Sequence[Picture], Sequence[Mapping[str, Any]]]


class Step(NamedTuple):
    """How far a set is: `done` of `total` pictures or videos; `there` if it was made before."""

    name: str
    done: int
    total: int
    there: bool = False


@dataclass(frozen=True, kw_only=True)
class LightSets:
    """Makes the folders `davis2016`, `coco`, `coco_val`, `bsds500`, `people`, `clothing`, `cars`, `weights`.

    A set whose root is not given is left out. Everything can be run again: what is there stays, and what was
    stopped goes on.

    Attributes:
        out: folder of all sets, the `data_root` of the trainings.
        davis: root of DAVIS 2016 or 2017.
        coco: roots of COCO, LVIS or reduced copies, merged.
        bsds500: root of BSDS500.
        grabcut: folder of images or list of names that are left out of BSDS500.
        clothing: root of clothing co-parsing.
        cars: root of Car-Parts-Segmentation.
        weights: start weights of a MobileNetV2, copied.
        limit: so many pictures, or videos, of each set; None: all.
        longer_side: of all new images but those of DAVIS; None: `LONGER_SIDES`.
        quality: of the JPEG files, 1 to 95.
    """

    out: Path
    davis: Path | None = None
    coco: Sequence[Path] = ()
    bsds500: Path | None = None
    grabcut: Path | None = None
    clothing: Path | None = None
    cars: Path | None = None
    weights: Path | None = None
    limit: int | None = None
    longer_side: int | None = None
    quality: int = 90

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit must be 1 or more, got {self.limit}")
        if len(self.missing) == len(PAGES):
            where = "; ".join(f"{name}=: {page}" for name, page in PAGES.items())
            raise ValueError(f"no data set is given. Get at least one: {where}")
        if self.weights is not None and not self.weights.is_file():
            raise FileNotFoundError(f"weights={self.weights}: no such file")

    @property
    def missing(self) -> list[str]:
        """The sets whose roots are not given, by the names of `PAGES`."""
        return [name for name in PAGES if not getattr(self, name)]

    def write(self) -> Iterator[Step]:
        """Make the sets one after the other; all roots are looked at before the first file is written.

        Raises:
            FileNotFoundError: a root does not hold its set; the message names the page to get it from.
            ValueError: a damaged file, or something else is where a set should go.
        """
        davis = self._davis()
        sets = [(name, writer, content) for name, writer, content in self._sets() if content[0]]
        if self.weights is not None:
            with atomic_path(self.out / "weights" / START) as path:
                shutil.copyfile(self.weights, path)
        for _, done, total in davis.write() if davis else ():
            yield Step("davis2016", done, total)
        for name, writer, (pictures, categories) in sets:
            if writer.is_there():
                yield Step(name, len(pictures), len(pictures), there=True)
                continue
            for done in writer.write(pictures, categories):
                yield Step(name, done, len(pictures))

    def _davis(self) -> DavisWriter | None:
        if self.davis is None:
            return None
        writer = DavisWriter(self.davis, self.out / "davis2016", self.quality, self.limit)
        writer.train  # noqa: B018  its error should come before anything is written
        return writer

    def _sets(self) -> Iterator[tuple[str, SetWriter, Content]]:
        if self.bsds500 is not None:
            without = names_of(self.grabcut) if self.grabcut else set[str]()
            content = bsds500_pictures(self.bsds500, without=without), [{"id": 1, "name": "region"}]
            more: dict[str, Any] = {"min_pixels": 1, "shares": SHARES, "about": {"without": sorted(without)}}
            yield self._set("bsds500", [self.bsds500], content, annotations="regions.json", **more)
        if self.clothing is not None:
            for what in ("people", "clothing"):
                pieces = clothing_pictures(self.clothing, what)
                yield self._set(what, [self.clothing], (pieces, [clothing.CATEGORIES[what]]))
        if self.cars is not None:
            yield self._set("cars", [self.cars], (car_pictures(self.cars), cars.CATEGORIES))
        if self.coco:
            yield self._set("coco", self.coco, coco_pictures(self.coco, "train2017"))
            yield self._set("coco_val", self.coco, coco_pictures(self.coco, "val2017"))

    def _set(
        self,
        name: str,
        roots: Sequence[Path],
        content: Content,
        *,
        about: Mapping[str, Any] = {},
        **options: Any,
    ) -> tuple[str, SetWriter, Content]:
        pictures, categories = content
        origin = [str(root.absolute()) for root in roots]
        writer = SetWriter(
            folder=self.out / name,
            longer_side=self.longer_side or LONGER_SIDES[name],
            quality=self.quality,
            about={"set": name, "roots": origin, "limit": self.limit, **about},
            **options,
        )
        return name, writer, (pictures[: self.limit], categories)
