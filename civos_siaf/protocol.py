"""The one protocol: what every method offers, whatever it is built of.

The benchmark's robot and the annotation tool speak to a method only through these two classes, so a method
needs no base class and no import from here: matching names and arguments are enough.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from civos_siaf.prompts import Prompts
from civos_siaf.video.frames import Frames

Labels: TypeAlias = NDArray[np.uint8]
"""Label map (H, W): 0 is background, 1..K the objects."""

LabelVideo: TypeAlias = NDArray[np.uint8]
"""Label maps (T, H, W) of a whole video; a long one may be anything that is indexed like an array."""

Progress: TypeAlias = Callable[[int, int], None]
"""Called with (frames done, frames in all)."""


class Arrived(Protocol):
    """Called as soon as a propagation has a frame's labels."""

    def __call__(self, frame: int, labels: Labels, confidence: float | None = None, /) -> None:
        """See a frame; it may come again, then what came last holds.

        Args:
            frame: its number.
            labels: (H, W).
            confidence: how sure the session is of them, 0 to 1, such as the IoU that it expects; 1 where
                they are as a person left them. None, or not given: it does not say.
        """


def no_progress(done: int, total: int) -> None:
    """Do nothing: the progress of somebody who does not look at it."""


def no_frame_callback(frame: int, labels: Labels, confidence: float | None = None, /) -> None:
    """Do nothing: the labels are looked at when all are there."""


class Session(Protocol):
    """One video being segmented, round after round.

    What a session may also have:

    - `wanted_frames`: the frames among which it wants the next prompts, or None for any. The benchmark's
      robot keeps to it.
    - `accepts`: the kinds of prompts that it takes.
    - `add_objects(count)`: further objects, at any time.
    - `streams = True`: `propagate` takes `arrived`, which sees the labels of frames as they are found, and
      may be told how sure the session is of each; see `Arrived`.
    - `probabilities(frame)`: those of a frame after a round, (K+1, H, W), for choices of the next frame that
      judge masks by them; index 0 = background.
    - `save(folder)` and `load(folder)`: what the rounds before have left, on disk. A session of the same
      video and method that was just opened goes on from there; nothing before can be undone.
    """

    def interact(self, prompts: Prompts) -> dict[int, Labels]:
        """Take the prompts of this round and return the masks of the prompted frames at once.

        May be called several times before `propagate`; the prompts add up.
        """

    def propagate(self, progress: Progress = no_progress) -> LabelVideo:
        """Return the labels of every frame, (T, H, W) uint8; this ends the round."""

    def undo(self) -> None:
        """Return to the state before the last `interact`, or before the last round if it was propagated."""


class Method(Protocol):
    """An interactive segmentation system, ready to be used on any number of videos."""

    def open(self, frames: Frames, *, num_objects: int) -> Session:
        """Start a session on one video with objects 1..num_objects."""
