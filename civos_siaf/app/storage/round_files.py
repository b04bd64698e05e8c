"""What is kept on disk beside a round's masks: the method's state and its confidences."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from civos_siaf.app.storage.mask_files import MaskFiles
from civos_siaf.next_frame.confidences import Confidences
from civos_siaf.protocol import LabelVideo
from civos_siaf.runtime.files import write_text

CONFIDENCES = "confidences.json"


class RoundConfidences:
    """What a session tells during a round; frames that the round leaves alone keep what was told before.

    Args:
        masks: of the project.
        num_frames: T.
        before: version of the round before, or None.
    """

    def __init__(self, masks: MaskFiles, num_frames: int, *, before: str | None) -> None:
        self._masks = masks
        self._before = before
        self._confidences = Confidences(num_frames, self._earlier(num_frames))

    def tell(self, frame: int, confidence: float | None) -> None:
        """Note what a session says of a frame; what is no number counts as not said."""
        self._confidences.give(frame, confidence)

    def finish(self, video: LabelVideo) -> list[float | None]:
        """Of all frames, 0 to 1; None where it is not known.

        Args:
            video: labels (T, H, W) after the round.
        """
        return self._confidences.finish(lambda frame: self._unchanged(frame, video))

    def _earlier(self, num_frames: int) -> list[float | None] | None:
        if self._before is None or (text := self._masks.text(self._before, CONFIDENCES)) is None:
            return None
        try:
            earlier = [None if own is None else float(own) for own in json.loads(text)]
        except (ValueError, TypeError):  # damaged
            return None
        return earlier if len(earlier) == num_frames else None

    def _unchanged(self, frame: int, video: LabelVideo) -> bool:
        if self._before is None:
            return False
        labels = self._masks.read(self._before, frame)
        return labels is not None and np.array_equal(labels, video[frame])


_NOTE = "session.json"


class SessionFiles:
    """The saved states of one project; only the last few are kept.

    Args:
        folder: made when something is saved.
        method: name of the method; states of others are not loaded.
        most: how many are kept.
    """

    def __init__(self, folder: Path, method: str, *, most: int = 2) -> None:
        self.folder = folder
        self.method = method
        self.most = most

    def path(self, version: str) -> Path:
        """Where the state after this round is."""
        return self.folder / version

    def objects(self, version: str) -> tuple[int, ...] | None:
        """The project's objects that are 1, 2, ... of the state after this round; None: it was not saved."""
        try:
            note = json.loads((self.path(version) / _NOTE).read_text(encoding="utf-8"))
            objects = note["objects"]
            if isinstance(objects, int):  # as it was written before: how many
                objects = range(1, objects + 1)
            return tuple(map(int, objects)) if note["method"] == self.method else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, version: str, objects: Sequence[int], save: Callable[[Path], object]) -> None:
        """Call `save` with an empty folder, and keep what it writes there."""
        folder = self.folder / f".unfinished-{version}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            save(folder)
            write_text(folder / _NOTE, json.dumps({"method": self.method, "objects": list(objects)}))
            shutil.rmtree(self.path(version), ignore_errors=True)
            folder.rename(self.path(version))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self._thin()

    def _thin(self) -> None:
        for old in sorted(self.folder.iterdir(), key=_number)[: -self.most]:
            shutil.rmtree(old, ignore_errors=True)


def _number(path: Path) -> int:
    """Later rounds have higher numbers, whatever the clock says; what is no state is older than any."""
    number = path.name[1:]
    return int(number) if number.isdecimal() else -1
