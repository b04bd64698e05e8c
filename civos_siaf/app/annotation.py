"""What is shown of a project at a moment, to be exported."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from civos_siaf.app.mask_files import MaskFiles
from civos_siaf.app.objects import ObjectInfo
from civos_siaf.app.state import State
from civos_siaf.frames import Frames
from civos_siaf.protocol import Labels


class Annotation:
    """The labels of every frame of a state: background where nothing is known or an object was deleted.

    Attributes:
        name: of the project.
        frames: the video.
        objects: those that are not deleted.
    """

    def __init__(self, name: str, frames: Frames, state: State, masks: MaskFiles) -> None:
        self.name = name
        self.frames = frames
        self.objects: Sequence[ObjectInfo] = state.objects
        self._state = state
        self._masks = masks

    def labels(self, frame: int) -> Labels:
        """Labels (H, W) of a frame."""
        version = self._state.version(frame)
        found = None if version is None else self._masks.read(version, frame)
        if found is None:
            return np.zeros(self.frames.size, np.uint8)
        return without(found, self._state.deleted)


def without(labels: Labels, objects: Sequence[int]) -> Labels:
    """Labels with these objects as background."""
    if not objects:
        return labels
    table = np.arange(256, dtype=np.uint8)
    table[list(objects)] = 0
    return table[labels]
