"""CVAT for video 1.1: an XML file of tracks, with masks or polygons."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TextIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from civos_siaf.app.exports.annotated_video import (
    AnnotatedVideo,
    ExportedObject,
    chosen_frames,
    masks_of,
    read_labels,
)
from civos_siaf.app.exports.names import Categories, object_name, xml_attribute, xml_text
from civos_siaf.app.exports.options import classes_option, frames_option, option
from civos_siaf.app.exports.polygons import bounding_box, edge_outline
from civos_siaf.protocol import Progress
from civos_siaf.runtime.files import atomic_path

UNUSED_COLOUR = "#808080"
"""Of a class that no object has."""


@dataclass(frozen=True)
class Cvat:
    """Tracks of `masks`, which are exact, or of `polygons`, exact where centres of pixels are asked.

    `group_id` is the number of the object. With `tracks` "frames", every mask is a track of one frame, which
    all versions of CVAT keep; of a track with several masks some keep only the first. With "objects", every
    object is one track, with key frames where its mask changes. Polygons always are: CVAT draws what is
    between two key frames by moving corners, so there is one at either end of a stretch that stays the same.
    Holes and parts of a polygon are joined by bridges of no width. A frame that is not exported shows no
    object.
    """

    id: ClassVar[str] = "cvat"
    title: ClassVar[str] = "CVAT for video 1.1: XML"
    suffix: ClassVar[str] = ".xml"

    shapes: str = option("masks", "exact masks, or polygon tracks", choices=("masks", "polygons"))
    tracks: str = option("frames", "of masks: one a frame, or one an object", choices=("frames", "objects"))
    classes: str = classes_option()
    frames: str = frames_option(None)

    def write(self, annotation: AnnotatedVideo, target: Path, progress: Progress) -> None:
        """Write the file `target`."""
        classes = Categories(annotation.objects, by="names", first=0, classes=self.classes)
        chosen = chosen_frames(annotation, self.frames)
        with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8") as file:
            file.write(_head(annotation, classes, "mask" if self.shapes == "masks" else "polygon"))
            if self.shapes == "masks" and self.tracks == "frames":
                _write_single_masks(file, annotation, chosen, progress)
            else:
                shape = _mask_shape if self.shapes == "masks" else _polygon_shape
                _write_tracks(file, annotation, chosen, shape, progress)
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


def _head(annotation: AnnotatedVideo, classes: Categories, kind: str) -> str:
    frames = annotation.frames
    colours: dict[str, str] = {}
    for item in sorted(annotation.objects, key=lambda item: item.id):
        colours.setdefault(object_name(item), item.colour)
    labels = "".join(
        f"<label><name>{xml_text(name)}</name><color>{xml_text(colours.get(name, UNUSED_COLOUR))}</color>"
        f"<type>{kind}</type><attributes></attributes></label>\n"
        for name in classes.names.values()
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


Shape: TypeAlias = tuple[str, str]
"""The name of an element, and its attributes that say what is covered."""


def _mask_shape(mask: NDArray[np.bool_]) -> Shape:
    left, top, width, height = bounding_box(mask) or (0, 0, 1, 1)
    runs = ", ".join(map(str, run_lengths(mask[top : top + height, left : left + width])))
    return "mask", f'rle="{runs}" left="{left}" top="{top}" width="{width}" height="{height}"'


def _polygon_shape(mask: NDArray[np.bool_]) -> Shape:
    ring = edge_outline(mask)
    corners = () if ring is None else (f"{x:.2f},{y:.2f}" for x, y in ring.tolist())
    return "polygon", f'points="{";".join(corners)}"'


def _element(shape: Shape, frame: int, *, outside: bool) -> str:
    name, covered = shape
    return f'<{name} {_place(frame, outside=outside)} {covered} z_order="0"></{name}>\n'


def _write_single_masks(
    file: TextIO, annotation: AnnotatedVideo, chosen: Sequence[int], progress: Progress
) -> None:
    number, total = 0, len(annotation.frames)
    for done, t in enumerate(chosen, 1):
        for item, mask in masks_of(annotation, read_labels(annotation, t)):
            file.write(_track(number, item) + _element(_mask_shape(mask), t, outside=False))
            if t + 1 < total:
                file.write(_element(_mask_shape(np.zeros((1, 1), dtype=bool)), t + 1, outside=True))
            file.write("</track>\n")
            number += 1
        progress(done, len(chosen))


@dataclass
class _Track:
    """A track being written to a file of its own, as all of them grow frame by frame."""

    item: ExportedObject
    file: TextIO
    shown: Shape | None = field(default=None)
    last: int = field(default=-1)  # frame of the last element
    used: bool = field(default=False)

    def put(self, frame: int, shape: Shape | None) -> None:
        """The shape of a frame, in ascending order; None: the object is not seen from here on."""
        if shape == self.shown:
            return
        if self.shown is not None and shape is not None and shape[0] == "polygon":
            self.hold(frame - 1)
        if shape is not None:
            self.file.write(_element(shape, frame, outside=False))
        elif self.shown is not None:
            self.hold(frame - 1)
            self.file.write(_element(self.shown, frame, outside=True))
        self.shown, self.last, self.used = shape, frame, True

    def hold(self, frame: int) -> None:
        """Show the same polygon up to this frame, by a second key frame; masks stay by themselves."""
        if self.shown is not None and self.shown[0] == "polygon" and self.last < frame:
            self.file.write(_element(self.shown, frame, outside=False))


def _write_tracks(
    file: TextIO,
    annotation: AnnotatedVideo,
    chosen: Sequence[int],
    shape: Callable[[NDArray[np.bool_]], Shape],
    progress: Progress,
) -> None:
    """A track for every object, with an element where its shape changes."""
    total, wanted = len(annotation.frames), frozenset(chosen)
    with ExitStack() as files:
        tracks = {
            item.id: _Track(item, files.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8")))
            for item in sorted(annotation.objects, key=lambda item: item.id)
        }
        for done, t in enumerate(chosen, 1):
            masks = {item.id: mask for item, mask in masks_of(annotation, read_labels(annotation, t))}
            for number, track in tracks.items():
                track.put(t, shape(masks[number]) if number in masks else None)
                if t + 1 < total and t + 1 not in wanted:
                    track.put(t + 1, None)
            progress(done, len(chosen))
        for track in tracks.values():
            track.hold(total - 1)
        for number, track in enumerate(track for track in tracks.values() if track.used):
            file.write(_track(number, track.item))
            track.file.seek(0)
            shutil.copyfileobj(track.file, file)
            file.write("</track>\n")
