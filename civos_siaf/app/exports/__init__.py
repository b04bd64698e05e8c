"""Annotated videos in the formats of other tools: one module per format, and `export` for all of them."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Protocol

from civos_siaf.app.exports.annotated_video import AnnotatedVideo, ExportedObject, check_objects
from civos_siaf.app.exports.coco import Coco
from civos_siaf.app.exports.cvat import Cvat
from civos_siaf.app.exports.davis import Davis
from civos_siaf.app.exports.label_studio import LabelStudio
from civos_siaf.app.exports.matte import Matte
from civos_siaf.app.exports.names import safe_name
from civos_siaf.app.exports.options import build, describe, read_class_file
from civos_siaf.app.exports.overlay_video import Overlay
from civos_siaf.app.exports.yolo import Yolo
from civos_siaf.app.exports.youtube_vos import YoutubeVos
from civos_siaf.protocol import Progress, no_progress
from civos_siaf.runtime.files import atomic_path

__all__ = [
    "AnnotatedVideo",
    "ExportedObject",
    "Exporter",
    "export",
    "export_file",
    "exporter",
    "formats",
    "read_class_file",
]

VIDEO_SUFFIXES = (".mp4", ".mkv", ".mov")
_STORED = frozenset({".png", ".jpg", ".mp4"})


class Exporter(Protocol):
    """A format with its options: a frozen dataclass."""

    id: ClassVar[str]
    title: ClassVar[str]

    @property
    def suffix(self) -> str:
        """Of the file that is written; empty for a folder."""

    def write(self, annotation: AnnotatedVideo, target: Path, progress: Progress) -> None:
        """Write `target` in one piece, reading frame by frame."""


_FORMATS: dict[str, type[Exporter]] = {
    kind.id: kind for kind in (Davis, YoutubeVos, Coco, Yolo, Cvat, LabelStudio, Overlay, Matte)
}


def formats() -> list[dict[str, object]]:
    """The formats as JSON: id, title, and options with name, type, default, help and limits.

    >>> [entry["id"] for entry in formats()][:3]
    ['davis', 'youtube_vos', 'coco']
    """
    return [{"id": kind.id, "title": kind.title, "options": describe(kind)} for kind in _FORMATS.values()]


def exporter(format: str, options: Mapping[str, object] | None = None) -> Exporter:
    """A format with options.

    Raises:
        ValueError: an unknown format or option, or a value that the option does not take.
    """
    if format not in _FORMATS:
        raise ValueError(f"no export format {format!r}; there are {', '.join(_FORMATS)}")
    return build(_FORMATS[format], options or {}, what=format)


def export(
    annotation: AnnotatedVideo,
    format: str,
    target: Path | str,
    *,
    options: Mapping[str, object] | None = None,
    progress: Progress = no_progress,
) -> Path:
    """Write an annotated video in a format; memory does not grow with its length.

    Args:
        annotation: the video with its objects and labels.
        format: one of `formats()`.
        target: a new or empty folder, or a file, which is replaced; it appears whole or not at all.
        options: of the format.
        progress: told of the frames done; an error that it raises ends the export and leaves nothing.

    Returns:
        `target` as a path.

    Raises:
        ValueError: an unknown format or option, a target that does not fit, objects that 8 bits do not hold,
            or labels that no object has.
    """
    target, chosen = Path(target), exporter(format, options)
    check_objects(annotation)
    if chosen.suffix == ".mp4" and target.suffix.lower() not in VIDEO_SUFFIXES:
        raise ValueError(f"{target}: {format} writes {', '.join(VIDEO_SUFFIXES)}")
    if chosen.suffix and target.is_dir():
        raise ValueError(f"{target}: {format} writes a {chosen.suffix} file, this is a folder")
    chosen.write(annotation, target, progress)
    return target


def export_file(
    annotation: AnnotatedVideo,
    format: str,
    folder: Path | str,
    *,
    options: Mapping[str, object] | None = None,
    progress: Progress = no_progress,
) -> Path:
    """Export as one file in `folder`, to be sent: formats that write a folder are zipped.

    `progress` is called for every zipped file, too, so that it can end that as well.

    Returns:
        The file's path, named after the video and the format.
    """
    folder, suffix = Path(folder), exporter(format, options).suffix
    name = f"{safe_name(annotation.name)}_{format}"
    if suffix:
        target = folder / f"{name}{suffix}"
        return export(annotation, format, target, options=options, progress=progress)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".export-", dir=folder))
    try:
        export(annotation, format, temporary / name, options=options, progress=progress)
        target = folder / f"{name}.zip"
        with atomic_path(target) as file:
            total = len(annotation.frames)
            _zip(temporary / name, file, lambda: progress(total, total))
        return target
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _zip(folder: Path, target: Path, next_file: Callable[[], None]) -> None:
    """A zip of a folder that is the same for the same files."""
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            next_file()
            entry = zipfile.ZipInfo(str(Path(folder.name) / path.relative_to(folder)))
            packed = path.suffix not in _STORED
            entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
            entry.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as packing:
                shutil.copyfileobj(source, packing)
