"""A toy: every pixel takes the label of the prompted pixel that is nearest in colour and place.

It is no published system and segments little; it shows the protocol in a few lines, and lets everything
around a method run before one is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from civos_siaf.methods.prompt_check import check_prompts
from civos_siaf.methods.prompt_precedence import split_into_stages
from civos_siaf.prompts import Click, MaskPrompt, Prompts, Scribble
from civos_siaf.protocol import Labels, LabelVideo, Progress, no_progress
from civos_siaf.video.frames import Frames

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
        return NearestColourSession(frames, self, num_objects=num_objects)


class _Seed(NamedTuple):
    """A prompted pixel: its frame, the object (0: background), and colour and place."""

    frame: int
    object_id: int
    features: np.ndarray


class _Told(NamedTuple):
    """Prompted pixels, then masks over them."""

    seeds: list[_Seed]
    masks: tuple[MaskPrompt, ...]


class NearestColourSession:
    """The pixels and masks prompted so far in one video."""

    accepts = (Click, Scribble, MaskPrompt)

    def __init__(self, frames: Frames, method: NearestColour, *, num_objects: int) -> None:
        self._frames = frames
        self._num_objects = num_objects
        self._reach = method.reach
        rows, columns = np.mgrid[: frames.height, : frames.width] * (method.place_weight / frames.width)
        self._places = np.stack([rows, columns], axis=2)
        self._told: list[list[_Told]] = []  # by interaction
        self._rounds: list[int] = []  # how many interactions there were before each round
        self._start = 0  # and before this one

    def interact(self, prompts: Prompts) -> dict[int, Labels]:
        """Take the pixels under the prompts, and masks as they are; the labels of the prompted frames.

        Raises:
            ValueError: a frame or object that does not exist, or a kind of prompt that is not understood.
        """
        check_prompts(prompts, self.accepts, self._frames, num_objects=self._num_objects)
        self._told.append([_Told(self._seeds(part), part.masks) for part in split_into_stages(prompts)])
        return {frame: self._label(frame) for frame in prompts.frames}

    def propagate(self, progress: Progress = no_progress) -> LabelVideo:
        """The labels of all frames."""
        labels = []
        for frame in range(len(self._frames)):
            labels.append(self._label(frame))
            progress(frame + 1, len(self._frames))
        if len(self._told) > self._start:
            self._rounds.append(self._start)
            self._start = len(self._told)
        return np.stack(labels)

    def undo(self) -> None:
        """Forget the pixels of the last prompts, or of the last round if it was propagated."""
        if len(self._told) > self._start:
            self._told.pop()
        elif self._rounds:
            self._start = self._rounds.pop()
            del self._told[self._start :]

    def _features(self, frame: int) -> np.ndarray:
        return np.concatenate([self._frames[frame], self._places], axis=2)

    def _seeds(self, prompts: Prompts) -> list[_Seed]:
        seeds = []
        for prompt in prompts:
            if isinstance(prompt, Click):
                seeds.append(self._seed(prompt.frame, prompt.object_id * prompt.positive, prompt.x, prompt.y))
            elif isinstance(prompt, Scribble | MaskPrompt):
                points = prompt.points if isinstance(prompt, Scribble) else np.argwhere(prompt.mask)[:, ::-1]
                step = max(1, len(points) // SEEDS_PER_STROKE)
                for x, y in points[step // 2 :: step]:
                    seeds.append(self._seed(prompt.frame, prompt.object_id, x, y))
        return seeds

    def _seed(self, frame: int, object_id: int, x: float, y: float) -> _Seed:
        row, column = min(int(y), self._frames.height - 1), min(int(x), self._frames.width - 1)
        features = np.concatenate([self._frames[frame][row, column], self._places[row, column]])
        return _Seed(frame, object_id, features)

    def _label(self, frame: int) -> Labels:
        """By the nearest pixel; a mask is the answer on its frame, but for what was drawn there later."""
        told = list(chain.from_iterable(self._told))
        labels, _ = self._nearest(frame, [seed for seeds, _ in told for seed in seeds])
        later: list[_Seed] = []
        masked = False
        for seeds, masks in told:
            for mask in (mask for mask in masks if mask.frame == frame):
                labels[labels == mask.object_id] = 0
                labels[mask.mask] = mask.object_id
                masked, later = True, []
            if masked and not any(mask.frame == frame for mask in masks):
                later += [seed for seed in seeds if seed.frame == frame]
        found, near = self._nearest(frame, later)
        labels[near] = found[near]
        return labels

    def _nearest(self, frame: int, seeds: Sequence[_Seed]) -> tuple[Labels, np.ndarray]:
        """Labels (H, W) of the nearest seeds, and where there is one within reach."""
        ids = np.array([seed.object_id for seed in seeds] + [0], dtype=np.uint8)
        tree = cKDTree(np.array([seed.features for seed in seeds]).reshape(-1, 5))
        _, nearest = tree.query(self._features(frame), distance_upper_bound=self._reach)
        return ids[nearest], nearest < len(seeds)
