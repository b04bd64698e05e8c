"""Masks from palette PNGs: one file, a folder, or a zip file in the layout of DAVIS or any other."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from civos_siaf.app.imports.frame_numbers import frame_numbers
from civos_siaf.app.imports.imported import Imported, check_number_of_objects
from civos_siaf.app.imports.picture_files import PictureFiles, open_pictures
from civos_siaf.frames import Frames
from civos_siaf.masks import VOID
from civos_siaf.protocol import Labels


def read_png_masks(path: Path, frames: Frames, *, frame: int | None = None) -> Imported:
    """Label maps of the video's size, one PNG per frame.

    Pixel values are object numbers; 255 is background, except where 0 and 255 are the only values there are:
    then 255 is object 1. Of a zip file or folder with several folders, those below `Annotations` count.

    Args:
        path: a PNG, a folder, or a zip file.
        frames: the video; tells size and names of the frames.
        frame: of a single PNG; None: by its name.

    Raises:
        FileNotFoundError: nothing at `path`.
        ValueError: says which file is damaged, of another size, or of a frame that does not exist.
    """
    files = open_pictures(path)
    places = _one_folder(path.name, files.names)
    names = [files.names[place] for place in places]
    if frame is None:
        numbers = frame_numbers(names, frames)
    elif len(names) > 1:
        raise ValueError(f"{path.name}: {len(names)} PNGs for one frame")
    elif not 0 <= frame < len(frames):
        raise ValueError(f"frame {frame}: the video has frames 0 to {len(frames) - 1}")
    else:
        numbers = [frame]
    where = dict(sorted(zip(numbers, places, strict=True)))
    present = np.zeros(256, dtype=bool)
    for place in where.values():
        present |= np.bincount(_decode(files, place, frames.size).ravel(), minlength=256) > 0
    binary = bool(present[VOID]) and not present[1:VOID].any()
    objects = [1] if binary else np.flatnonzero(present[1:VOID]) + 1
    check_number_of_objects(path.name, len(objects))

    def labels(number: int) -> Labels:
        found = _decode(files, where[number], frames.size)
        found[found == VOID] = 1 if binary else 0
        return found

    return Imported(tuple(where), {int(number): None for number in objects}, labels)


def _one_folder(what: str, names: Iterable[str]) -> list[int]:
    """Numbers of the files that lie in one folder; those below `Annotations` if there are several."""
    parents = {place: PurePosixPath(name).parent for place, name in enumerate(names)}
    if len(set(parents.values())) > 1:
        below = {place: parent for place, parent in parents.items() if "Annotations" in parent.parts}
        parents = below or parents
    if len(set(parents.values())) > 1:
        found = ", ".join(sorted(str(parent) for parent in set(parents.values()))[:4])
        raise ValueError(f"{what}: masks of several videos ({found}); give the folder of one")
    return list(parents)


def _decode(files: PictureFiles, place: int, size: tuple[int, int]) -> Labels:
    """A label map (H, W); the size is looked at before anything is unpacked."""
    name = files.names[place]
    data = files.read(place)
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.size != size[::-1]:
                found = f"{image.width}x{image.height}"
                raise ValueError(f"it is {found} pixels, the video {size[1]}x{size[0]}")
            if image.mode not in ("1", "P", "L"):
                raise ValueError(f"pixels must be object numbers (indexed or 8-bit grey), not {image.mode}")
            return np.array(image, dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{name}: {error}") from error
