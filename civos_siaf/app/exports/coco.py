"""COCO JSON: run lengths or polygons per frame and object, with the number of the object as track."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TextIO

import numpy as np
from numpy.typing import NDArray

from civos_siaf.app.exports.annotated_video import AnnotatedVideo, chosen_frames, masks_of, read_labels
from civos_siaf.app.exports.names import Categories, frame_names, video_name
from civos_siaf.app.exports.options import classes_option, frames_option, option
from civos_siaf.app.exports.polygons import bounding_box, edge_outlines
from civos_siaf.masks import to_rle
from civos_siaf.protocol import Progress
from civos_siaf.runtime.files import atomic_path


@dataclass(frozen=True)
class Coco:
    """One JSON file: `videos`, `images` (one per frame), `categories`, `annotations`.

    The images are named `<video>/<frame>.jpg`, as below `JPEGImages` of the YouTube-VOS format. Every
    annotation has the object's number as `track_id` and `instance_id`. Where the video's own images have
    other names, these are their `original_name`. Polygons are exact for readers that ask which pixels'
    centres lie inside, as COCO's own tools do: one for every part, holes joined by bridges of no width.
    """

    id: ClassVar[str] = "coco"
    title: ClassVar[str] = "COCO: JSON with run lengths or polygons"
    suffix: ClassVar[str] = ".json"

    categories: str = option("names", "one category per name, or per object", choices=("names", "objects"))
    classes: str = classes_option()
    segmentation: str = option("rle", "run lengths, or polygons", choices=("rle", "polygons"))
    frames: str = frames_option()
    every: int = option(1, "every n-th frame", least=1)

    def write(self, annotation: AnnotatedVideo, target: Path, progress: Progress) -> None:
        """Write the file `target`."""
        classes = Categories(annotation.objects, by=self.categories, first=1, classes=self.classes)
        chosen = chosen_frames(annotation, self.frames, every=self.every)
        frames, video = annotation.frames, video_name(annotation)
        with atomic_path(target) as temporary, temporary.open("w", encoding="ascii") as file:
            named = [{"id": number, "name": name} for number, name in classes.names.items()]
            facts = {"id": 1, "name": annotation.name, "width": frames.width, "height": frames.height}
            file.write(f'{{"info": {json.dumps({"description": annotation.name})},\n')
            _write_list(file, "videos", iter([{**facts, "length": len(frames)}]))
            _write_list(file, "categories", iter(named))
            _write_list(file, "images", _images(annotation, chosen, video))
            _write_list(
                file, "annotations", self._annotations(annotation, chosen, classes, progress), last=True
            )
            file.write("}\n")

    def _annotations(
        self, annotation: AnnotatedVideo, chosen: Sequence[int], classes: Categories, progress: Progress
    ) -> Iterator[dict[str, Any]]:
        number = 0
        for done, t in enumerate(chosen, 1):
            for item, mask in masks_of(annotation, read_labels(annotation, t)):
                number += 1
                yield {
                    "id": number,
                    "image_id": t + 1,
                    "video_id": 1,
                    "category_id": classes.of[item.id],
                    "track_id": item.id,
                    "instance_id": item.id,
                    "segmentation": to_rle(mask) if self.segmentation == "rle" else _polygons(mask),
                    "area": int(np.count_nonzero(mask)),
                    "bbox": list(bounding_box(mask) or ()),
                    "iscrowd": 0,
                }
            progress(done, len(chosen))


def _images(annotation: AnnotatedVideo, chosen: Sequence[int], video: str) -> Iterator[dict[str, Any]]:
    size, names = (
        {"width": annotation.frames.width, "height": annotation.frames.height},
        frame_names(annotation),
    )
    for t in chosen:
        place: dict[str, Any] = {"video_id": 1, "frame_index": t}
        if (image := annotation.frames.name(t)) != names[t]:
            place["original_name"] = image
        yield {"id": t + 1, "file_name": f"{video}/{names[t]}.jpg", **size, **place}


def _polygons(mask: NDArray[np.bool_]) -> list[list[int]]:
    """A list x0, y0, x1, y1, ... for every part, in pixels."""
    return [ring.ravel().tolist() for ring in edge_outlines(mask)]


def _write_list(file: TextIO, name: str, entries: Iterator[dict[str, Any]], *, last: bool = False) -> None:
    """Write `"name": [...]` entry by entry, so that the list is never in memory."""
    file.write(f'"{name}": [')
    for index, entry in enumerate(entries):
        file.write(("\n" if index == 0 else ",\n") + json.dumps(entry))
    file.write("]\n" if last else "],\n")
