"""What is shown of a project at a moment, to be exported."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Sequence

import numpy as np

from civos_siaf.app.document.content import ObjectInfo
from civos_siaf.app.document.state import State
from civos_siaf.app.storage.mask_files import MaskFiles, MissingMasksError
from civos_siaf.protocol import Labels
from civos_siaf.video.frames import Frames


class Annotation:
    """The labels of every frame of a state: background where nothing is known or an object was deleted.

    Its label maps stay on disk until it is closed, or nobody holds it any more.

    Attributes:
        name: of the project.
        frames: the video.
        objects: those that are not deleted.
        reviewed: frames that are marked as reviewed.
    """

    def __init__(self, name: str, frames: Frames, state: State, masks: MaskFiles) -> None:
        self.name = name
        self.frames = frames
        self.objects: Sequence[ObjectInfo] = state.objects
        marks = state.content.reviews.items()
        self.reviewed: Collection[int] = frozenset(frame for frame, mark in marks if mark == "reviewed")
        self._state = state
        self._masks = masks
        pinned = state.versions
        masks.pin(pinned)
        self._release = weakref.finalize(self, masks.unpin, pinned)
        self._release.atexit = False  # then the project is closed, or soon opened by somebody else

    def __enter__(self) -> Annotation:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the label maps: those that nothing leads to any more are deleted."""
        self._release()

    def labels(self, frame: int) -> Labels:
        """Labels (H, W) of a frame.

        Raises:
            MissingMasksError: they were made, but are not on disk any more.
            ValueError: it is closed.
        """
        found = self.known(frame)
        return np.zeros(self.frames.size, np.uint8) if found is None else found

    def known(self, frame: int) -> Labels | None:
        """As `labels`, but None where nothing is known."""
        if not self._release.alive:
            raise ValueError(f"the annotation of {self.name} is closed")
        version = self._state.version(frame)
        if version is None:
            return None
        found = self._masks.read(version, frame)
        if found is None:
            raise MissingMasksError(
                f"the masks of frame {frame} are missing: not in {self._masks.folder / version}"
            )
        return without(found, self._state.deleted)


def without(labels: Labels, objects: Sequence[int]) -> Labels:
    """Labels with these objects as background."""
    if not objects:
        return labels
    table = np.arange(256, dtype=np.uint8)
    table[list(objects)] = 0
    return table[labels]
