"""How sure the method is of each frame after a round, kept beside the round's masks."""

from __future__ import annotations

import json
import math

import numpy as np

from civos_siaf.app.mask_files import MaskFiles
from civos_siaf.protocol import LabelVideo

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
        self._told: list[float | None] = [None] * num_frames

    def tell(self, frame: int, confidence: float | None) -> None:
        """Note what a session says of a frame; what is no number counts as not said."""
        if confidence is None or math.isnan(confidence):
            self._told[frame] = None
        else:
            self._told[frame] = round(min(max(float(confidence), 0.0), 1.0), 4)

    def finish(self, video: LabelVideo) -> list[float | None]:
        """Of all frames, 0 to 1; None where it is not known.

        Args:
            video: labels (T, H, W) after the round.
        """
        earlier = self._earlier()
        return [
            earlier[frame] if own is None and self._unchanged(frame, video, earlier) else own
            for frame, own in enumerate(self._told)
        ]

    def _earlier(self) -> list[float | None]:
        unknown: list[float | None] = [None] * len(self._told)
        if self._before is None or (text := self._masks.text(self._before, CONFIDENCES)) is None:
            return unknown
        try:
            earlier = [None if own is None else float(own) for own in json.loads(text)]
        except (ValueError, TypeError):  # damaged
            return unknown
        return earlier if len(earlier) == len(unknown) else unknown

    def _unchanged(self, frame: int, video: LabelVideo, earlier: list[float | None]) -> bool:
        if self._before is None or earlier[frame] is None:
            return False
        labels = self._masks.read(self._before, frame)
        return labels is not None and np.array_equal(labels, video[frame])
