"""A toy: every pixel takes the label of the prompted pixel that is nearest in colour and place.

It is no published system and segments little; it shows the protocol in a few lines, and lets everything
around a method run before one is trained.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from civos_siaf.frames import Frames
from civos_siaf.prompts import Click, Prompts, Scribble
from civos_siaf.protocol import Labels, LabelVideo, Progress, ignore

SEEDS_PER_STROKE = 8


class NearestColour:
    """Labels by the nearest prompted pixel.

    Args:
        reach: largest distance at which a prompted pixel still counts, in steps of colour (0..255); beyond
            it is background.
        place_weight: steps of colour that the width of the frame is worth.
    """

    def __init__(self, reach: float = 50.0, place_weight: float = 300.0) -> None:
        self.reach = reach
        self.place_weight = place_weight

    def open(self, frames: Frames, *, num_objects: int) -> NearestColourSession:
        """Start on a video."""
        return NearestColourSession(frames, self.reach, self.place_weight)


class NearestColourSession:
    """The pixels prompted so far in one video."""

    accepts = (Click, Scribble)

    def __init__(self, frames: Frames, reach: float, place_weight: float) -> None:
        self._frames = frames
        self._reach = reach
        rows, columns = np.mgrid[: frames.height, : frames.width] * (place_weight / frames.width)
        self._places = np.stack([rows, columns], axis=2)
        self._seeds: list[list[tuple[int, np.ndarray]]] = []  # by interaction
        self._rounds: list[int] = []  # how many interactions there were before each round
        self._start = 0  # and before this one

    def interact(self, prompts: Prompts) -> dict[int, Labels]:
        """Take the pixels under the prompts; the labels of the prompted frames."""
        seeds: list[tuple[int, np.ndarray]] = []
        for prompt in prompts:
            if isinstance(prompt, Click):
                seeds.append((prompt.object_id * prompt.positive, self._at(prompt.frame, prompt.x, prompt.y)))
            elif isinstance(prompt, Scribble):
                step = max(1, len(prompt.points) // SEEDS_PER_STROKE)
                for x, y in prompt.points[step // 2 :: step]:
                    seeds.append((prompt.object_id, self._at(prompt.frame, x, y)))
        self._seeds.append(seeds)
        return {frame: self._label(frame) for frame in prompts.frames}

    def propagate(self, progress: Progress = ignore) -> LabelVideo:
        """The labels of all frames."""
        labels = []
        for frame in range(len(self._frames)):
            labels.append(self._label(frame))
            progress(frame + 1, len(self._frames))
        if len(self._seeds) > self._start:
            self._rounds.append(self._start)
            self._start = len(self._seeds)
        return np.stack(labels)

    def undo(self) -> None:
        """Forget the pixels of the last prompts, or of the last round if it was propagated."""
        if len(self._seeds) > self._start:
            self._seeds.pop()
        elif self._rounds:
            self._start = self._rounds.pop()
            del self._seeds[self._start :]

    def _features(self, frame: int) -> np.ndarray:
        return np.concatenate([self._frames[frame], self._places], axis=2)

    def _at(self, frame: int, x: float, y: float) -> np.ndarray:
        row, column = min(int(y), self._frames.height - 1), min(int(x), self._frames.width - 1)
        return np.concatenate([self._frames[frame][row, column], self._places[row, column]])

    def _label(self, frame: int) -> Labels:
        seeds = [seed for seeds in self._seeds for seed in seeds]
        ids = np.array([object_id for object_id, _ in seeds] + [0], dtype=np.uint8)
        tree = cKDTree(np.array([features for _, features in seeds]).reshape(-1, 5))
        _, nearest = tree.query(self._features(frame), distance_upper_bound=self._reach)
        return np.asarray(ids[nearest])
