"""Masks from CVAT: XML "for video 1.1", which has tracks, or "for images 1.1", alone or in its zip file."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from civos_siaf.app.imports.coco_shapes import mask_of
from civos_siaf.app.imports.drawing import DrawnFrame, draw_masks, look_through
from civos_siaf.app.imports.external_masks import (
    Imported,
    check_number_of_objects,
    frame_numbers,
    with_file_name,
)
from civos_siaf.masks import VOID
from civos_siaf.video.frames import Frames

MAX_FILE = 2**30
XML_NAME = "annotations.xml"
"""What the file is called in CVAT's own zip files."""
_SHAPES = ("mask", "polygon", "box")
_ROOT = b"<annotations"
_LONGEST_PROLOG = 2**16


@dataclass(frozen=True)
class _Shape:
    """One element: what it covers, and how far in front it is."""

    kind: str
    fields: Mapping[str, str]
    z_order: int

    def mask(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """The pixels (H, W) whose centres it covers."""
        if self.kind == "mask":
            return _run_length_mask(self.fields, size)
        if self.kind == "box":
            x0, y0, x1, y1 = (float(self.fields[name]) for name in ("xtl", "ytl", "xbr", "ybr"))
            corners = [x0, y0, x1, y0, x1, y1, x0, y1]
        else:
            corners = [float(value) for value in re.split("[;,]", self.fields["points"])]
        return mask_of({"segmentation": [corners]}, size)


@dataclass
class _Content:
    """What a file holds: for every frame the shapes with their object's key, and the objects' names.

    A key is ("group", id), ("track", id), ("label", name), or ("shape", number) in a file of one image.
    """

    size: tuple[int, int] | None
    drawn: dict[int, list[tuple[tuple[str, object], _Shape]]]
    names: dict[tuple[str, object], str | None]
    notes: tuple[str, ...] = ()


def read_cvat_masks(
    path: Path, frames: Frames, *, frame: int | None = None, first: int | None = None
) -> Imported:
    """Masks, polygons and boxes of one video.

    Tracks with the same `group_id` (which is not 0), else every track, are an object; what a track shows
    stays until its next element, as CVAT shows masks. Of shapes without tracks, those of a group are an
    object, else those of a label; in a file of a single image every shape is one. Where shapes overlap, the
    one with the higher `z_order` is on top, then the smaller one. Points, lines, ellipses and cuboids are
    left out, and that is said.

    Args:
        path: the XML file, or a zip file with `annotations.xml`.
        frames: the video.
        frame: the frame that a file with one image is of; None: as its name says.
        first: the number in the file name of frame 0; None: as it fits, see `frame_numbers`.

    Raises:
        FileNotFoundError: nothing at `path`.
        ValueError: no such file, another size, a frame that does not exist, or a shape that cannot be drawn.
    """
    try:
        root = _root(path)
        tracks = list(root.iter("track"))
        content = _of_tracks(root, tracks, frames) if tracks else _of_images(root, frames, frame, first)
    except (KeyError, ElementTree.ParseError, RecursionError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path.name}: not a CVAT file of masks ({error!r})") from error
    except ValueError as error:
        raise with_file_name(path.name, error) from error
    if content.size not in (None, frames.size):
        height, width = content.size or (0, 0)
        raise ValueError(
            f"{path.name} is of {width}x{height} pixels, the video {frames.width}x{frames.height}"
        )
    numbers = _numbers(content.names)
    names = {number: content.names[key] for key, number in numbers.items()}
    check_number_of_objects(path.name, len(names))

    def draw(entries: list[tuple[tuple[str, object], _Shape]]) -> DrawnFrame:
        shapes = [(shape.z_order, numbers[key], shape.mask(frames.size)) for key, shape in entries]
        shapes.sort(key=lambda entry: (entry[0], -int(np.count_nonzero(entry[2]))))
        return draw_masks([(number, mask) for _, number, mask in shapes], frames.size)

    on_top = "the higher z_order, then the smaller one"
    skipped = sum(len(root.findall(f".//{kind}")) for kind in ("polyline", "points", "ellipse", "cuboid"))
    said = (*content.notes, f"{skipped} points, lines, ellipses or cuboids are left out" if skipped else "")
    return look_through(path.name, content.drawn, names, draw, on_top=on_top, notes=said)


def is_cvat_archive(path: Path) -> bool:
    """Whether a zip file is an export of CVAT."""
    with zipfile.ZipFile(path) as archive:
        return any(Path(name).name == XML_NAME for name in archive.namelist())


def _root(path: Path) -> ElementTree.Element:
    """The root element of the XML file, which must not declare a document type: entities could grow."""
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            return _parse(file, path.stat().st_size)
    with zipfile.ZipFile(path) as archive:
        inside = [name for name in archive.namelist() if Path(name).name == XML_NAME]
        if len(inside) != 1:
            raise ValueError(f"holds {len(inside)} files called {XML_NAME}, expected one")
        with archive.open(inside[0]) as file:
            return _parse(file, archive.getinfo(inside[0]).file_size)


def _parse(file: IO[bytes], bytes_: int) -> ElementTree.Element:
    if bytes_ > MAX_FILE:
        raise ValueError(f"larger than {MAX_FILE >> 20} MiB")
    file.seek(0)
    prolog, found, _ = file.read(_LONGEST_PROLOG).partition(_ROOT)
    if not found or b"<!DOCTYPE" in prolog:
        raise ValueError("not XML of CVAT, which begins with <annotations>")
    file.seek(0)
    return ElementTree.parse(file).getroot()


def _shape(element: ElementTree.Element) -> _Shape:
    return _Shape(element.tag, dict(element.items()), int(float(element.get("z_order") or 0)))


def _of_tracks(root: ElementTree.Element, tracks: list[ElementTree.Element], frames: Frames) -> _Content:
    size, names = root.find(".//original_size"), dict[tuple[str, object], str | None]()
    drawn: dict[int, list[tuple[tuple[str, object], _Shape]]] = defaultdict(list)
    stepped = (root.findtext(".//frame_filter") or "").strip() not in ("", "step=1")
    for index, track in enumerate(tracks):
        group = track.get("group_id") or "0"
        key = ("group", int(group)) if group != "0" else ("track", int(track.get("id") or index))
        shapes = [element for element in track if element.tag in _SHAPES]
        elements = {int(element.attrib["frame"]): element for element in shapes}
        for frame, element in _shown(elements, len(frames), hold=not stepped):
            drawn[frame].append((key, _shape(element)))
            names[key] = track.get("label")
    found = None if size is None else (int(size.findtext("height") or 0), int(size.findtext("width") or 0))
    note = "only every n-th frame of the video was annotated in CVAT" if stepped else ""
    return _Content(found, dict(drawn), names, (note,))


def _shown(
    elements: Mapping[int, ElementTree.Element], total: int, *, hold: bool
) -> Iterator[tuple[int, ElementTree.Element]]:
    """What a track shows on which frames: an element stays until the next, unless `hold` is off."""
    places = sorted(elements)
    for place, following in zip(places, [*places[1:], total], strict=True):
        if elements[place].get("outside") != "1":
            if not 0 <= place < total:
                raise ValueError(f"frame {place}: the video has frames 0 to {total - 1}")
            for frame in range(place, min(following, total)) if hold else (place,):
                yield frame, elements[place]


def _of_images(root: ElementTree.Element, frames: Frames, frame: int | None, first: int | None) -> _Content:
    images = [image for image in root.iter("image") if any(element.tag in _SHAPES for element in image)]
    if not images:
        raise ValueError("there is no mask, polygon or box in it")
    sizes = {(int(image.get("height") or 0), int(image.get("width") or 0)) for image in images}
    if len(sizes) > 1:
        raise ValueError(f"images of several sizes: {sorted(sizes)} (height, width)")
    naming, places = "", [frame] if frame is not None and len(images) == 1 else []
    if not places:
        found, naming = frame_numbers([image.attrib["name"] for image in images], frames, first=first)
        places = list(found)
    drawn: dict[int, list[tuple[tuple[str, object], _Shape]]] = defaultdict(list)
    names: dict[tuple[str, object], str | None] = {}
    for place, image in zip(places, images, strict=True):
        for index, element in enumerate(element for element in image if element.tag in _SHAPES):
            label, group = element.get("label"), element.get("group_id") or "0"
            key: tuple[str, object] = ("group", int(group)) if group != "0" else ("label", label)
            if key[0] == "label" and len(images) == 1:
                key = ("shape", index + 1)
            elif key[0] == "label" and any(key == other for other, _ in drawn[place]):
                raise ValueError(
                    f"image {image.attrib['name']!r} has several shapes of label {label!r}: group the "
                    "shapes of an object in CVAT, or annotate with tracks"
                )
            names[key] = label
            drawn[place].append((key, _shape(element)))
    return _Content(sizes.pop(), dict(drawn), names, (f"masks are {naming}" if naming else "",))


def _numbers(names: Mapping[tuple[str, object], str | None]) -> dict[tuple[str, object], int]:
    """The label of every object: its group's number where all have one that 8 bits hold, else in order."""
    if all(kind == "group" and isinstance(value, int) and 0 < value < VOID for kind, value in names):
        return {key: int(str(key[1])) for key in names}
    return {key: number for number, key in enumerate(names, 1)}


def _run_length_mask(fields: Mapping[str, str], size: tuple[int, int]) -> NDArray[np.bool_]:
    """A mask given by runs of background and object in turn, row by row in a box."""
    left, top, width, height = (int(fields[name]) for name in ("left", "top", "width", "height"))
    runs = [int(run) for run in fields["rle"].split(",")]
    if min(width, height) < 1 or min(runs) < 0 or sum(runs) != width * height:
        raise ValueError(f"run lengths of {sum(runs)} pixels do not fill a box of {width}x{height}")
    if left < 0 or top < 0 or left + width > size[1] or top + height > size[0]:
        raise ValueError(f"a mask of {width}x{height} at ({left}, {top}) leaves the frame")
    mask = np.zeros(size, dtype=bool)
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    mask[top : top + height, left : left + width] = flat.reshape(height, width)
    return mask
