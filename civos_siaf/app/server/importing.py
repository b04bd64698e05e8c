"""Masks from the browser become actions of the project: all of them, or none."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from civos_siaf.app.document.actions import ActionError, Undo, from_json
from civos_siaf.app.document.content import ObjectInfo
from civos_siaf.app.imports import (
    FORMATS,
    AmbiguousMasksError,
    Imported,
    mask_actions,
    object_actions,
    read_masks,
)
from civos_siaf.app.server.requests import RequestError
from civos_siaf.app.session.annotator import Annotator
from civos_siaf.app.session.answers import ProgressListener

ZIP = b"PK"
BATCH = 100
"""Masks that go to the disk together; between two batches other actions have their turn."""


def check_format(format: str) -> None:
    """Refuse formats that are not read.

    Raises:
        RequestError: 400, names those that are.
    """
    if format not in FORMATS:
        raise RequestError(400, f"Masks are read as {' or '.join(FORMATS)}, not as {format[:40]!r}.")


@dataclass(frozen=True)
class How:
    """The format of masks, `png`, `coco` or `cvat`, and how they are to be read; see `read_masks`."""

    format: str
    frame: int | None = None
    first: int | None = None
    values: str | None = None


def import_masks(annotator: Annotator, path: Path, how: How, watch: ProgressListener) -> tuple[str, ...]:
    """Draw the masks of a file into a project; when one cannot be drawn, what was done is undone.

    An object of the file is the project's of that name, or without a name of that number; else a new one.

    Args:
        annotator: of the project.
        path: a PNG, a zip file of PNGs, COCO JSON, or XML or a zip file of CVAT.
        how: the format, and which frame a single mask is of; a zip file tells its frames by names in it.
        watch: told of masks drawn.

    Returns:
        What was taken where the masks could be read in several ways.

    Raises:
        RequestError: 422, the file is no such thing or does not fit the video.
        ActionError: the project or the method does not take it.
    """
    with path.open("rb") as file:
        archive = file.read(2) == ZIP
    try:
        imported = read_masks(
            path,
            how.format,
            annotator.project.frames,
            frame=None if archive else how.frame,
            first=how.first,
            values=how.values,
        )
    except AmbiguousMasksError as error:
        question = {"option": error.option, "choices": error.choices}
        found = str(error).removeprefix(f"{path.name}: ")  # the name of an upload means nothing
        raise RequestError(
            422, f"The masks can be read in several ways: {found}.", question=question
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        found = str(error).removeprefix(f"{path.name}: ")
        raise RequestError(422, f"The masks cannot be used: {found}.") from error
    with _all_or_nothing(annotator):
        with annotator.batch():
            numbers = _objects(annotator, imported)
        total = len(imported.frames)
        actions = enumerate(mask_actions(imported, numbers), 1)
        while some := list(itertools.islice(actions, BATCH)):
            with annotator.batch():
                for count, action in some:
                    annotator.apply(from_json(action), watch)
                    watch.progress("importing", min(count, total), total)
    return imported.notes


@contextlib.contextmanager
def _all_or_nothing(annotator: Annotator) -> Iterator[None]:
    """Undo what was done inside if it does not come to its end."""
    start = annotator.state
    try:
        yield
    except BaseException:
        with contextlib.suppress(ActionError, OSError), annotator.batch():
            while annotator.state.content != start.content:
                annotator.apply(Undo())
        raise


def _objects(annotator: Annotator, imported: Imported) -> Mapping[int, int]:
    """The project's object for each of the file, made where it is missing."""
    numbers = {}
    present: tuple[ObjectInfo, ...] = annotator.state.objects
    for number, action in object_actions(imported):
        name = action.get("name")
        known = [item.id for item in present if (item.id == number if name is None else item.name == name)]
        if not known:
            state = annotator.apply(from_json(action))
            known = [state.objects[-1].id]
        numbers[number] = known[0]
    return numbers
