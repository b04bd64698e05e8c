"""What is known when a round has ended, and who chooses the next frame from it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from civos_siaf.protocol import LabelVideo
from civos_siaf.video.frames import Frames

Scores: TypeAlias = NDArray[np.float64]
"""One figure per frame, (T,)."""


Need: TypeAlias = Literal["truth", "images", "confidences"]
"""`FinishedRound.quality`, `.frames` with `.probabilities`, and `.confidences`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinishedRound:
    """A video after a round.

    Attributes:
        num_frames: T.
        prompted: frames that carried prompts, of each round so far; those of a round in which there was
            nothing left to correct count, too.
        num_objects: K.
        labels: (T, H, W); None: they are not at hand.
        confidences: how sure the session is of each frame, 0 to 1, None where it does not say; None: it says
            nothing at all.
        frames: opens the video, where it is at hand.
        probabilities: gives those of a frame, (K+1, H, W), index 0 = background; None: there are only labels.
        look_scores: how much each frame deserves a look, 0 to 1, (T,), where that was found before; see
            `civos_siaf.next_frame.look_scores`.
        quality: gives the true quality of each frame, 0 to 1, (T,); None where there is no truth.
        count: how many frames are wanted.
        video: its name, and what else tells this play from others: seeds follow from it.
    """

    num_frames: int
    prompted: tuple[tuple[int, ...], ...]
    num_objects: int
    labels: LabelVideo | None = None
    confidences: Sequence[float | None] | None = None
    frames: Callable[[], Frames] | None = None
    probabilities: Callable[[int], Any] | None = None
    look_scores: Scores | None = None
    quality: Callable[[], Scores] | None = None
    count: int = 1
    video: str = ""

    @property
    def times_prompted(self) -> NDArray[np.int64]:
        """How often each frame carried prompts, (T,)."""
        every = [frame for frames in self.prompted for frame in frames]
        return np.bincount(np.array(every, dtype=np.int64), minlength=self.num_frames)


class NextFrame(Protocol):
    """Chooses the frame to annotate next."""

    @property
    def repeats(self) -> bool:
        """Whether a frame prompted before may come again while others are left."""

    @property
    def first_counts(self) -> bool:
        """Whether frames of the first round count as prompted; otherwise one may be chosen once more."""

    @property
    def needs(self) -> Collection[Need]:
        """What it looks at beside masks and prompts.

        The annotation tool has no truth, and no images at the time.
        """

    def priorities(self, finished: FinishedRound) -> Scores:
        """(T,): the frame with the highest comes next, of equal ones the first.

        Raises:
            ValueError: something is missing that it chooses by, such as ground truth.
        """
