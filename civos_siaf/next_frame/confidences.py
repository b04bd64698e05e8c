"""Confidences of a round as a session gives them, with those of earlier rounds where masks stay."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence


class Confidences:
    """Those of one round; frames that the round leaves alone keep what was given before.

    Args:
        num_frames: T.
        earlier: those after the round before; None: there are none.
    """

    def __init__(self, num_frames: int, earlier: Sequence[float | None] | None = None) -> None:
        self._earlier = list(earlier) if earlier is not None else [None] * num_frames
        self._given: list[float | None] = [None] * num_frames

    def give(self, frame: int, confidence: float | None) -> None:
        """Note what a session says of a frame; what is no number counts as not said."""
        if confidence is None or math.isnan(confidence):
            self._given[frame] = None
        else:
            self._given[frame] = round(min(max(float(confidence), 0.0), 1.0), 4)

    def finish(self, unchanged: Callable[[int], bool]) -> list[float | None]:
        """Of all frames, 0 to 1; None where it is not known.

        Args:
            unchanged: whether a frame has the masks that it had before the round.
        """
        return [
            before if own is None and before is not None and unchanged(frame) else own
            for frame, (own, before) in enumerate(zip(self._given, self._earlier, strict=True))
        ]
