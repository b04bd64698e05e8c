"""Existing masks as a starting point: palette PNGs, COCO JSON or CVAT XML become actions that draw them."""

from __future__ import annotations

import zipfile
from pathlib import Path

from civos_siaf.app.imports.coco import read_coco_masks
from civos_siaf.app.imports.cvat import is_cvat_archive, read_cvat_masks
from civos_siaf.app.imports.external_masks import AmbiguousMasksError, Imported, mask_actions, object_actions
from civos_siaf.app.imports.png import read_png_masks
from civos_siaf.video.frames import Frames

__all__ = ["FORMATS", "AmbiguousMasksError", "Imported", "mask_actions", "object_actions", "read_masks"]

FORMATS = ("png", "coco", "cvat")


def read_masks(
    path: Path | str,
    format: str,
    frames: Frames,
    *,
    frame: int | None = None,
    first: int | None = None,
    values: str | None = None,
) -> Imported:
    """Look through masks that fit a video; they are read again when they are asked for.

    Args:
        path: a PNG, a folder or zip file of PNGs ("png"), a JSON file ("coco"), or an XML file or the zip
            file that CVAT makes ("cvat", also read as "png").
        format: one of `FORMATS`.
        frames: the video.
        frame: which frame a single mask is of; None: as its name or the file says.
        first: the number in frame 0's file name; None: what fits, else it is asked for.
        values: what the pixels of PNGs mean: numbers, levels, white or colours; None: what fits.

    Raises:
        FileNotFoundError: nothing at `path`.
        ValueError: another format, or masks that do not fit; says which and why.
    """
    if format not in FORMATS:
        raise ValueError(f"no import format {format!r}; there are {', '.join(FORMATS)}")
    if format == "png" and zipfile.is_zipfile(path) and is_cvat_archive(Path(path)):
        format = "cvat"
    if format == "png":
        return read_png_masks(Path(path), frames, frame=frame, first=first, values=values)
    if values is not None:
        raise ValueError(f"values={values}: only PNGs have pixels to be read in several ways")
    read = read_cvat_masks if format == "cvat" else read_coco_masks
    return read(Path(path), frames, frame=frame, first=first)
