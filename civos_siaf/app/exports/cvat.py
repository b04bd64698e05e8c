"""CVAT for video 1.1: an XML file of tracks, with masks or polygons."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TextIO

import numpy as np
from numpy.typing import NDArray

from civos_siaf.app.exports.annotated_video import AnnotatedVideo, ExportedObject, masks_of, read_labels
from civos_siaf.app.exports.names import object_name, xml_attribute, xml_text
from civos_siaf.app.exports.options import option
from civos_siaf.app.exports.polygons import bounding_box, edge_outline
from civos_siaf.protocol import Progress
from civos_siaf.runtime.files import atomic_path


@dataclass(frozen=True)
class Cvat:
    """Tracks of `masks`, which are exact, or of `polygons`, exact where centres of pixels are asked.

    CVAT has no mask tracks: of a track with masks it keeps the first. So a mask is a track of one frame, as
    CVAT itself writes it, and `group_id` is the number of its object. Polygons make one track per object,
    with a polygon along the pixels' edges at every frame; holes and parts are joined by bridges of no width.
    """

    id: ClassVar[str] = "cvat"
    title: ClassVar[str] = "CVAT for video 1.1: XML"
    suffix: ClassVar[str] = ".xml"

    shapes: str = option("masks", "exact masks, or polygon tracks", choices=("masks", "polygons"))

    def write(self, annotation: AnnotatedVideo, target: Path, progress: Progress) -> None:
        """Write the file `target`."""
        with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8") as file:
            file.write(_head(annotation, "mask" if self.shapes == "masks" else "polygon"))
            if self.shapes == "masks":
                _write_masks(file, annotation, progress)
            else:
                _write_polygons(file, annotation, progress)
            file.write("</annotations>\n")


def run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """Lengths of the runs of a mask (H, W) row by row; the first counts background and may be 0.

    >>> run_lengths(np.array([[True, True], [False, True]]))
    [0, 2, 1, 1]
    """
    flat = mask.ravel()
    ends = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(np.concatenate([[0], ends, [len(flat)]])).tolist()
    return [0, *runs] if flat[0] else list(runs)


def _head(annotation: AnnotatedVideo, kind: str) -> str:
    frames = annotation.frames
    colours: dict[str, str] = {}
    for item in sorted(annotation.objects, key=lambda item: item.id):
        colours.setdefault(object_name(item), item.colour)
    labels = "".join(
        f"<label><name>{xml_text(name)}</name><color>{xml_text(colour)}</color><type>{kind}</type>"
        "<attributes></attributes></label>\n"
        for name, colour in colours.items()
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n<meta><task>\n'
        f"<name>{xml_text(annotation.name)}</name><size>{len(frames)}</size><mode>interpolation</mode>\n"
        f"<overlap>0</overlap><start_frame>0</start_frame><stop_frame>{len(frames) - 1}</stop_frame>\n"
        f"<labels>\n{labels}</labels>\n<original_size><width>{frames.width}</width>"
        f"<height>{frames.height}</height></original_size>\n</task></meta>\n"
    )


def _track(number: int, item: ExportedObject) -> str:
    label = xml_attribute(object_name(item))
    return f'<track id="{number}" label={label} source="manual" group_id="{item.id}">\n'


def _place(frame: int, *, outside: bool) -> str:
    return f'frame="{frame}" keyframe="1" outside="{int(outside)}" occluded="0"'


def _write_masks(file: TextIO, annotation: AnnotatedVideo, progress: Progress) -> None:
    number, total = 0, len(annotation.frames)
    for t in range(total):
        for item, mask in masks_of(annotation, read_labels(annotation, t)):
            left, top, width, height = bounding_box(mask) or (0, 0, 0, 0)
            runs = ", ".join(map(str, run_lengths(mask[top : top + height, left : left + width])))
            box = f'left="{left}" top="{top}" width="{width}" height="{height}" z_order="0"'
            file.write(_track(number, item))
            file.write(f'<mask {_place(t, outside=False)} rle="{runs}" {box}></mask>\n')
            if t + 1 < total:
                end = 'rle="1" left="0" top="0" width="1" height="1" z_order="0"'
                file.write(f"<mask {_place(t + 1, outside=True)} {end}></mask>\n")
            file.write("</track>\n")
            number += 1
        progress(t + 1, total)


@dataclass
class _Track:
    """A track being written to a file of its own, as all of them grow frame by frame."""

    item: ExportedObject
    file: TextIO
    points: str = field(default="")
    visible: bool = field(default=False)

    def put(self, frame: int, points: str | None) -> None:
        """The polygon of a frame; None where the object is not seen, which ends it until the next."""
        if points is not None:
            self.points = points
        elif not self.visible:
            return
        self.visible = points is not None
        place = _place(frame, outside=not self.visible)
        self.file.write(f'<polygon {place} points="{self.points}" z_order="0"></polygon>\n')


def _write_polygons(file: TextIO, annotation: AnnotatedVideo, progress: Progress) -> None:
    total = len(annotation.frames)
    with ExitStack() as files:
        tracks = {
            item.id: _Track(item, files.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8")))
            for item in sorted(annotation.objects, key=lambda item: item.id)
        }
        for t in range(total):
            masks = {item.id: mask for item, mask in masks_of(annotation, read_labels(annotation, t))}
            for number, track in tracks.items():
                ring = edge_outline(masks[number]) if number in masks else None
                corners = None if ring is None else (f"{x:.2f},{y:.2f}" for x, y in ring.tolist())
                track.put(t, None if corners is None else ";".join(corners))
            progress(t + 1, total)
        for number, track in enumerate(track for track in tracks.values() if track.points):
            file.write(_track(number, track.item))
            track.file.seek(0)
            shutil.copyfileobj(track.file, file)
            file.write("</track>\n")
