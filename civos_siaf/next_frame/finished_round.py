"""What is known when a round has ended, and who chooses the next frame from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from civos_siaf.protocol import LabelVideo
from civos_siaf.video.frames import Frames

Scores: TypeAlias = NDArray[np.float64]
"""One figure per frame, (T,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinishedRound:
    """A video after a round.

    Attributes:
        labels: (T, H, W).
        prompted: frames that carried prompts, of each round so far; those of a round in which there was
            nothing left to correct count, too.
        num_objects: K.
        confidences: how sure the session is of each frame, 0 to 1, None where it does not say; None: it says
            nothing at all.
        frames: opens the video, where it is at hand.
        probabilities: gives those of a frame, (K+1, H, W), index 0 = background; None: there are only labels.
        quality: gives the true quality of each frame, 0 to 1, (T,); None where there is no truth.
        count: how many frames are wanted.
        video: its name, and what else tells this play from others: seeds follow from it.
    """

    labels: LabelVideo
    prompted: tuple[tuple[int, ...], ...]
    num_objects: int
    confidences: Sequence[float | None] | None = None
    frames: Callable[[], Frames] | None = None
    probabilities: Callable[[int], Any] | None = None
    quality: Callable[[], Scores] | None = None
    count: int = 1
    video: str = ""

    @property
    def num_frames(self) -> int:
        """T."""
        return len(self.labels)

    @property
    def times_prompted(self) -> NDArray[np.int64]:
        """How often each frame carried prompts, (T,)."""
        every = [frame for frames in self.prompted for frame in frames]
        return np.bincount(np.array(every, dtype=np.int64), minlength=self.num_frames)


class NextFrame(Protocol):
    """Chooses the frame to annotate next.

    Attributes:
        repeats: a frame prompted before may come again while others are left.
        first_counts: the frames of the first round count as prompted; otherwise one may be chosen once more.
        needs_confidences: `FinishedRound.confidences` should be there if the session has them.
    """

    repeats: bool
    first_counts: bool
    needs_confidences: bool

    def priorities(self, finished: FinishedRound) -> Scores:
        """(T,): the frame with the highest comes next, of equal ones the first.

        Raises:
            ValueError: something is missing that it chooses by, such as ground truth.
        """
