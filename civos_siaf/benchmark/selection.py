"""Which frames the robot annotates next.

Source: docs/specification/davis-interactive.md section 5; several frames: SIAF's protocol.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


class FrameChooser:
    """Chooses the worst frames of one sample, or those that come first by another rule, and remembers them.

    Ties go to the lowest index; the original leaves them to NumPy's unstable sort.

    Args:
        num_frames: T.
        used: frames that count as annotated from the start.
        min_distance: least distance between frames chosen together, given up when too few frames remain.
        repeats: frames used before may come again at any time.
        published_quirks: an IndexError, as in the original, when only candidates outside the video are left;
            otherwise such candidates are dropped first.
    """

    def __init__(
        self,
        num_frames: int,
        *,
        used: Iterable[int] = (),
        min_distance: int = 0,
        repeats: bool = False,
        published_quirks: bool = False,
    ) -> None:
        self._num_frames = num_frames
        self._used: list[int] = list(used)
        self._min_distance = min_distance
        self._repeats = repeats
        self._published_quirks = published_quirks

    @property
    def used(self) -> tuple[int, ...]:
        """Frames chosen so far, each once, in order."""
        return tuple(dict.fromkeys(self._used))

    def choose(
        self, quality: NDArray[np.float64], *, count: int = 1, candidates: Sequence[int] | None = None
    ) -> list[int]:
        """The `count` worst frames by `quality` (T,), worst first.

        Frames used before are left out while enough others remain; once all have been used, the restriction
        is off for good.

        Raises:
            IndexError: with `published_quirks`, when no candidate is inside the video.
        """
        allowed = self._allowed(candidates, count)
        worst = [int(frame) for frame in np.argsort(quality, kind="stable") if int(frame) in allowed]
        if not worst:
            raise IndexError(f"none of the candidates {sorted(allowed)} is a frame of the video")
        chosen: list[int] = []
        for distance in (self._min_distance, 0):
            for frame in worst:
                if len(chosen) < count and all(abs(frame - other) > max(distance - 1, 0) for other in chosen):
                    chosen.append(frame)
        self._used += chosen
        return chosen

    def _allowed(self, candidates: Sequence[int] | None, count: int) -> set[int]:
        everything = set(range(self._num_frames))
        used = set() if self._repeats or everything <= set(self._used) else set(self._used)
        wanted = set(candidates or ()) or everything
        if not self._published_quirks:
            wanted = wanted & everything or everything
        fresh = wanted - used
        return fresh if len(fresh) >= min(count, len(wanted)) else wanted
