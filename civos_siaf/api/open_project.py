"""Annotating a video from Python: the same sessions as in the page, in the same projects on disk.

>>> import tempfile
>>> import numpy as np
>>> import civos_siaf as cs
>>> from civos_siaf.video.writer import write_video
>>> folder = tempfile.mkdtemp()
>>> clip = np.full((6, 32, 48, 3), 30, np.uint8)
>>> clip[:, 8:24, 10:30] = 200  # a bright square
>>> _ = write_video(f"{folder}/clip.mp4", clip)

>>> with cs.annotate(f"{folder}/clip.mp4", method="nearest_colour", folder=f"{folder}/clip") as project:
...     square = project.add_object("square")
...     shown = project.click(0, square, x=20, y=16)  # labels of frame 0, at once
...     shown = project.scribble(3, 0, [(2, 2), (45, 3)])  # 0: background
...     masks = project.commit()  # of all prompted frames, found together
...     project.propagate()
...     labels = project.labels(5)  # (H, W) uint8
...     _ = project.click(5, square, x=2, y=30, positive=False)
...     project.undo()
...     coco = project.export("coco", f"{folder}/masks.json")
>>> sorted(masks), int(labels[16, 20]), int(labels[2, 2])
([0, 3], 1, 0)
>>> with cs.annotate(f"{folder}/clip.mp4", method="nearest_colour", folder=f"{folder}/clip") as project:
...     bool((project.labels(5) == labels).all())  # all of it is still there
True
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import ArrayLike
from tqdm import tqdm

from civos_siaf.api.methods import load_method
from civos_siaf.app.document.actions import (
    Action,
    ActionError,
    AddBox,
    AddClick,
    AddMask,
    AddObject,
    AddScribble,
    Cancelled,
    Clear,
    Commit,
    DeleteObject,
    Propagate,
    Redo,
    Review,
    Status,
    Undo,
)
from civos_siaf.app.document.state import State
from civos_siaf.app.exports import export, read_class_file
from civos_siaf.app.session.annotation import Annotation
from civos_siaf.app.session.annotator import Annotator
from civos_siaf.app.storage.project import Project, ProjectError
from civos_siaf.data.shapes.sample import video_or_sample
from civos_siaf.masks import to_rle
from civos_siaf.protocol import Labels, Method, Progress, no_progress
from civos_siaf.video.frames import Frames

__all__ = ["ActionError", "Cancelled", "OpenProject", "ProjectError", "annotate"]


def annotate(
    video: Path | str,
    *,
    method: str | Method = "siaf_light",
    folder: Path | str | None = None,
    preview: bool = True,
    device: str = "auto",
) -> OpenProject:
    """Open the annotation project of a video, or make one: what `scripts/annotate.py` shows in a browser.

    Args:
        video: a video file or a folder of images; "sample": a small clip that is drawn on first use.
        method: answers the prompts: a name of `list_methods()`, or any object with the calls of
            `civos_siaf.Method`.
        folder: of the project; None: beside the video, its name with ".project".
        preview: prompts are answered at once; otherwise `commit` and `propagate` answer them.
        device: of the networks, if `method` is a name; auto: the first GPU if there is one.

    Raises:
        ProjectError: no video, or a project of another video or version, or open in another program.
        FileNotFoundError: a weight file of the method is missing.
    """
    video = video_or_sample(video)
    system = load_method(method, device=device) if isinstance(method, str) else method
    project = Project.open_or_create(folder or video.with_suffix(".project"), video)
    try:
        return OpenProject(Annotator(project, system, preview=preview))
    except BaseException:
        project.close()
        raise


class OpenProject:
    """A project being annotated; close it, or use it in `with`.

    All is kept on disk as it happens. Every method that changes something raises `ActionError` with a clear
    message where that is not possible, and then nothing has changed.

    Attributes:
        annotator: for what is not offered here.
    """

    def __init__(self, annotator: Annotator) -> None:
        self.annotator = annotator

    def __enter__(self) -> OpenProject:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def state(self) -> State:
        """Objects, prompts, rounds, marks."""
        return self.annotator.state

    @property
    def frames(self) -> Frames:
        """The video."""
        return self.annotator.project.frames

    def add_object(self, name: str | None = None, *, colour: str | None = None) -> int:
        """A further object, with a colour like "#e6194b"; its number, which is its label."""
        return self._apply(AddObject(name, colour)).objects[-1].id

    def delete_object(self, object_id: int) -> None:
        """Make the object's pixels background."""
        self._apply(DeleteObject(object_id))

    def click(
        self, frame: int, object_id: int, *, x: float, y: float, positive: bool = True
    ) -> Labels | None:
        """Say that a pixel belongs to an object, or does not; the frame's labels with preview."""
        return self._draw(AddClick(int(frame), int(object_id), float(x), float(y), positive))

    def scribble(
        self, frame: int, object_id: int, points: Sequence[tuple[float, float]] | ArrayLike
    ) -> Labels | None:
        """Draw a stroke through points (N, 2), rows (x, y); object 0 is background."""
        path = np.asarray(points, dtype=np.float64)
        if path.ndim != 2 or path.shape[1] != 2:
            raise ActionError(f"points must have shape (N, 2), got {path.shape}")
        rows = tuple((float(x), float(y)) for x, y in path)
        return self._draw(AddScribble(int(frame), int(object_id), rows))

    def box(self, frame: int, object_id: int, *, x0: float, y0: float, x1: float, y1: float) -> Labels | None:
        """Draw a rectangle around an object."""
        corners = (float(x0), float(y0), float(x1), float(y1))
        return self._draw(AddBox(int(frame), int(object_id), *corners))

    def mask(self, frame: int, object_id: int, mask: ArrayLike) -> Labels | None:
        """Give the mask (H, W) of an object on a frame as it is."""
        pixels = np.asarray(mask, dtype=bool)
        if pixels.shape != self.frames.size:
            raise ActionError(f"the mask has size {pixels.shape}, the frames have {self.frames.size} (H, W)")
        rle = to_rle(pixels)
        return self._draw(AddMask(int(frame), int(object_id), self.frames.size, rle["counts"]))

    def clear(self, frame: int) -> None:
        """Take the prompts of a frame away that are not committed."""
        self._apply(Clear(frame))

    def commit(self) -> dict[int, Labels]:
        """Answer the prompts of all frames together; the labels of these frames."""
        frames = sorted(self.state.content.pending_frames)
        self._apply(Commit())
        found = {frame: self.labels(frame) for frame in frames}
        return {frame: labels for frame, labels in found.items() if labels is not None}

    def propagate(self, progress: Progress | None = None) -> None:
        """Make masks on every frame; this ends the round.

        Args:
            progress: called with (steps done, steps in all); it may raise: frames that were finished are kept
                then. None: a bar, where standard error is a terminal.
        """
        if progress is not None:
            self.annotator.apply(Propagate(), _Told(progress))
            return
        with tqdm(unit="frame", desc="propagating", disable=None, leave=False) as bar:

            def show(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            self.annotator.apply(Propagate(), _Told(show))

    def review(self, frame: int, status: Status | None) -> None:
        """Mark a frame as "reviewed" or "doubtful", or take the mark away."""
        self._apply(Review(frame, status))

    def undo(self) -> None:
        """Take the last action back."""
        self._apply(Undo())

    def redo(self) -> None:
        """Do the action again that was taken back last."""
        self._apply(Redo())

    def labels(self, frame: int) -> Labels | None:
        """Labels (H, W) shown on a frame, 0 background; None where nothing is known yet."""
        return self.annotator.labels(frame)

    def label_maps(self) -> Iterator[Labels]:
        """Labels (H, W) of all frames in order, read one by one; background where none are known."""
        annotation = self.annotation()
        return (annotation.labels(frame) for frame in range(len(self.frames)))

    def annotation(self) -> Annotation:
        """What is shown now; later actions do not change it."""
        return self.annotator.annotation()

    def export(
        self, format: str, target: Path | str, *, progress: Progress = no_progress, **options: object
    ) -> Path:
        """Write what is shown in the format of another tool; see `civos_siaf.app.exports`.

        Args:
            format: davis, youtube_vos, coco, yolo, cvat, label_studio, overlay or matte.
            target: a new folder, or a file.
            progress: told of the frames done.
            options: of the format, as `frames="reviewed"` or `classes="names.txt"` (a file with the name of a
                class in every line, or a list of names, so that many exports have the same numbers).

        Raises:
            ValueError: no such format or option, or a target that it cannot write.
        """
        chosen = read_class_file(options)
        return export(self.annotation(), format, Path(target), options=chosen, progress=progress)

    def cancel(self) -> None:
        """From another thread: end the propagation under way; it raises `Cancelled`."""
        self.annotator.cancel()

    def close(self) -> None:
        """Let go of the project."""
        self.annotator.close()

    def _apply(self, action: Action) -> State:
        return self.annotator.apply(action)

    def _draw(self, action: AddClick | AddScribble | AddBox | AddMask) -> Labels | None:
        self._apply(action)
        return self.labels(action.frame)


class _Told:
    """Tells a plain progress of the propagation."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def progress(self, what: str, done: int, total: int) -> None:
        if what == "propagating":
            self._progress(done, total)

    def arrived(self, frame: int) -> None:
        pass
