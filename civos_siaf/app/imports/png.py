"""Masks from palette PNGs: one file, a folder, or a zip file in the layout of DAVIS or any other."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from PIL import Image

from civos_siaf.app.imports import mask_pictures
from civos_siaf.app.imports.external_masks import (
    Imported,
    check_number_of_objects,
    frame_numbers,
    with_file_name,
)
from civos_siaf.app.imports.picture_files import PictureFiles, open_pictures
from civos_siaf.protocol import Labels
from civos_siaf.video.frames import Frames


def read_png_masks(
    path: Path,
    frames: Frames,
    *,
    frame: int | None = None,
    first: int | None = None,
    values: str | None = None,
) -> Imported:
    """Label maps of the video's size, one PNG per frame.

    Pixels are the numbers of objects, with 255 as unknown, or white on black, or a colour per object: what
    all files together fit decides, see `mask_pictures`. Of a zip file or folder with several folders, those
    below `Annotations` count.

    Args:
        path: a PNG, a folder, or a zip file.
        frames: the video; tells size and names of the frames.
        frame: of a single PNG; None: by its name.
        first: the number in the name of frame 0's file; None: as it fits, see `frame_numbers`.
        values: what pixels mean, one of `MEANINGS`; None: as it fits.

    Raises:
        FileNotFoundError: nothing at `path`.
        ValueError: says which file is damaged, of another size, or of a frame that does not exist.
    """
    files = open_pictures(path)
    places = _one_folder(path.name, files.names)
    names = [files.names[place] for place in places]
    naming = ""
    if frame is None:
        numbers, naming = frame_numbers(names, frames, first=first)
    elif len(names) > 1:
        raise ValueError(f"{path.name}: {len(names)} PNGs for one frame")
    elif not 0 <= frame < len(frames):
        raise ValueError(f"frame {frame}: the video has frames 0 to {len(frames) - 1}")
    else:
        numbers = [frame]
    where = dict(sorted(zip(numbers, places, strict=True)))
    survey = mask_pictures.Survey()
    for place in where.values():
        survey.add(_decode(files, place, frames.size))
    try:
        read = mask_pictures.reading(survey, values)
    except ValueError as error:
        raise with_file_name(path.name, error) from error
    check_number_of_objects(path.name, len(read.objects))

    def labels(number: int) -> Labels:
        return read.labels(_decode(files, where[number], frames.size))

    notes = tuple(note for note in (f"masks are {naming}" if naming else "", read.note) if note)
    return Imported(tuple(where), dict.fromkeys(read.objects), labels, notes)


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


def _decode(files: PictureFiles, place: int, size: tuple[int, int]) -> mask_pictures.Picture:
    name = files.names[place]
    data = files.read(place)
    try:
        return mask_pictures.decode(data, size)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{name}: {error}") from error
