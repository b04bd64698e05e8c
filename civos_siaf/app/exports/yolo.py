"""Segmentation polygons in the layout that the YOLO trainers read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from civos_siaf.app.exports.annotated_video import AnnotatedVideo, chosen_frames, masks_of, read_labels
from civos_siaf.app.exports.davis import write_jpeg
from civos_siaf.app.exports.names import Categories, frame_names, video_name, write_name_table, yaml_text
from civos_siaf.app.exports.options import classes_option, frames_option, option
from civos_siaf.app.exports.polygons import Ring, centre_outlines
from civos_siaf.protocol import Progress
from civos_siaf.runtime.files import atomic_folder

COORDINATE_RANGE = 0.25
"""Where in a pixel its point lies: readers that cut off find the pixel again, and readers that round, too."""


@dataclass(frozen=True)
class Yolo:
    """`data.yaml`, `images/<video>_<frame>.jpg`, `labels/<video>_<frame>.txt`.

    A line is `class x0 y0 x1 y1 ...`, in fractions of width and height, through the border pixels. With
    `parts` "split", every part of an object has a line of its own, and filling the lines with their outlines
    gives the mask back exactly. "joined" makes one line per object, as one instance is to be learnt; a reader
    that draws outlines then also draws a line of one pixel between the parts.
    """

    id: ClassVar[str] = "yolo"
    title: ClassVar[str] = "YOLO: segmentation polygons"
    suffix: ClassVar[str] = ""

    categories: str = option("names", "one class per name, or per object", choices=("names", "objects"))
    classes: str = classes_option()
    parts: str = option("split", "an object in parts: a line each, or joined", choices=("split", "joined"))
    frames: str = frames_option()
    every: int = option(1, "every n-th frame", least=1)
    images: bool = option(True, "write the frames as JPEG")

    def write(self, annotation: AnnotatedVideo, target: Path, progress: Progress) -> None:
        """Write the folder `target`."""
        classes = Categories(annotation.objects, by=self.categories, first=0, classes=self.classes)
        chosen = chosen_frames(annotation, self.frames, every=self.every)
        video, names = video_name(annotation), frame_names(annotation)
        with atomic_folder(target) as folder:
            (folder / "labels").mkdir()
            for done, t in enumerate(chosen, 1):
                name = f"{video}_{names[t]}"
                text = self._lines(annotation, t, classes)
                (folder / "labels" / f"{name}.txt").write_text(text, encoding="ascii")
                if self.images:
                    write_jpeg(annotation, t, folder / "images" / f"{name}.jpg")
                progress(done, len(chosen))
            (folder / "data.yaml").write_text(_data(classes), encoding="ascii")
            write_name_table(annotation, folder)

    def _lines(self, annotation: AnnotatedVideo, frame: int, classes: Categories) -> str:
        lines = []
        for item, mask in masks_of(annotation, read_labels(annotation, frame)):
            rings = centre_outlines(mask)
            for ring in [_joined(rings)] if self.parts == "joined" else rings:
                lines.append(f"{classes.of[item.id]} {_numbers(ring, mask)}\n")
        return "".join(lines)


def _joined(rings: list[Ring]) -> Ring:
    """One ring of all: from the nearest corner so far to the next ring, around it, and back."""
    joined = rings[0]
    for ring in rings[1:]:
        at = int(np.abs(joined - ring[0]).sum(axis=1).argmin())
        joined = np.concatenate([joined[: at + 1], ring, ring[:1], joined[at:]])
    return joined


def _numbers(ring: Ring, mask: NDArray[np.bool_]) -> str:
    """Fractions of (W, H) in 7 digits, found again by cutting off and by rounding."""
    height, width = mask.shape
    return " ".join(
        f"{value:.7f}" for value in ((ring + COORDINATE_RANGE) / (width, height)).ravel().tolist()
    )


def _data(classes: Categories) -> str:
    rows = "".join(f"  {number}: {yaml_text(name)}\n" for number, name in classes.names.items())
    head = "# One video: set val to other frames before training on it.\ntrain: images\nval: images\nnames:"
    return f"{head}\n{rows}" if rows else f"{head} {{}}\n"
