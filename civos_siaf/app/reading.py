"""Looking at a project without a method: to export what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from civos_siaf.app.annotation import Annotation
from civos_siaf.app.annotator import Annotator
from civos_siaf.app.project import Project
from civos_siaf.frames import Frames
from civos_siaf.protocol import Session


class _NoMethod:
    name = "none"

    def open(self, frames: Frames, *, num_objects: int) -> Session:
        raise ValueError("this project was opened to be read")


@contextmanager
def open_annotation(folder: Path | str, *, video: Path | str | None = None) -> Iterator[Annotation]:
    """What a project shows, as `exports.export` takes it; the project is locked meanwhile.

    Args:
        folder: of the project.
        video: where the video is now, if it was moved.

    Raises:
        ValueError: no project, one of another version or in use, or its video is missing or has changed.
    """
    project = Project.open(folder, video=video)
    try:
        annotator = Annotator(project, _NoMethod())
    except BaseException:
        project.close()
        raise
    with annotator, annotator.annotation() as annotation:
        yield annotation
