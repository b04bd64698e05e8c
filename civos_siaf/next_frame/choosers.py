"""Choosers that do not ask the method: by true quality, at random, evenly.

Source: docs/specification/ivos_w.md section 3.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from civos_siaf.next_frame.finished_round import FinishedRound, Need, Scores

DEFAULT_POSITIONS = 8


def true_quality(finished: FinishedRound) -> Scores:
    """J&F of each frame with the ground truth, mean over objects: the oracle of the evaluations.

    Raises:
        ValueError: there is no ground truth.
    """
    if finished.quality is None:
        raise ValueError("the worst frame is known only with ground truth; choose another next_frame")
    return finished.quality()


class WorstFrame:
    """The frame of the lowest quality among those not prompted before.

    Args:
        quality: gives that of each frame; None: the true one, as in the published evaluations.
        first_counts: leave out the frame of the first scribbles as well, as IVOS-W does; the toolkit of the
            published evaluations does not.
    """

    repeats = False

    def __init__(
        self, quality: Callable[[FinishedRound], Scores] | None = None, *, first_counts: bool = False
    ) -> None:
        self.quality = quality
        self.first_counts = first_counts

    @property
    def needs(self) -> tuple[Need, ...]:
        """Truth, or what a network judges by."""
        return ("truth",) if self.quality is None else ("images",)

    def priorities(self, finished: FinishedRound) -> Scores:
        """The negative quality."""
        return -(self.quality or true_quality)(finished)


class RandomFrame:
    """Any frame, those prompted before included.

    The draws follow from the seed, the video and the number of the round, so that parts of an evaluation
    give what the whole gives.

    Args:
        seed: of the draws.
    """

    repeats = True
    first_counts = True
    needs: tuple[Need, ...] = ()

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def priorities(self, finished: FinishedRound) -> Scores:
        """Uniform draws."""
        key = (self.seed, zlib.crc32(finished.video.encode()), len(finished.prompted))
        return np.random.default_rng(key).random(finished.num_frames)


class EvenFrames:
    """Equally spaced frames from left to right, among them the first that was prompted.

    When all of them have been prompted, that first frame comes again.

    Args:
        positions: how many there are, one for each round of an evaluation; None: 8.

    Raises:
        ValueError: fewer than 1.
    """

    repeats = True
    first_counts = True
    needs: tuple[Need, ...] = ()

    def __init__(self, positions: int | None = DEFAULT_POSITIONS) -> None:
        self.positions = DEFAULT_POSITIONS if positions is None else positions
        if self.positions < 1:
            raise ValueError(f"positions must be 1 or more, got {self.positions}")

    def priorities(self, finished: FinishedRound) -> Scores:
        """Falls over the positions that are left; 0 elsewhere, below 0 where there were prompts."""
        first = finished.prompted[0][0] if finished.prompted and finished.prompted[0] else 0
        done = finished.times_prompted > 0
        places = even_positions(finished.num_frames, first=first, count=self.positions)
        left = [place for place in places if not done[place]] or [first]
        scores = np.where(done, -1.0, 0.0)
        scores[left] = np.arange(len(left), 0, -1)
        return scores


def even_positions(num_frames: int, *, first: int, count: int = DEFAULT_POSITIONS) -> list[int]:
    """Equally spaced frames of a video, in order, with `first` among them.

    >>> even_positions(70, first=12)
    [4, 12, 21, 29, 38, 47, 55, 64]
    """
    count = min(count, num_frames)
    if num_frames < count + 1:
        return list(range(count))
    places = np.linspace(0, num_frames - 1, count + 1).astype(int)
    while first not in places:
        places += 1
    return [int(place) for place in (places[1:] if first == places[-1] else places[:-1])]
