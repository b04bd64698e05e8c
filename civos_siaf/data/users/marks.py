"""Users that mark several objects on several frames, by strokes and clicks.

Source: docs/specification/siaf.md section 10.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.data.users.lines import LineRobot, cheap_path, inner_depth, robot_paths
from civos_siaf.data.users.morphology import Mask
from civos_siaf.masks import VOID
from civos_siaf.prompts import Click, Scribble
from civos_siaf.prompts.strokes import render

Labels: TypeAlias = NDArray[np.uint8]
"""(T, H, W); 0 background, 1..N objects, 255 unknown."""
NOT_MARKED = -1
"""In marks: nothing drawn; in previous labels: unknown."""
MOST_CLICKS = 3


@dataclass(frozen=True, kw_only=True)
class MarkUser:
    """Marks objects, or what is wrong about them, on some of the frames.

    Each object is marked on all frames that show its region, or on a random part of them.

    Attributes:
        robot: the DAVIS robot, asked where a stroke is wanted; None: random curves only.
        robot_share: how often it is asked.
        click_share: probability of one to three clicks in place of a stroke.
        every_frame: probability that an object is marked on all frames; else at least one is left out.
        background_share: probability of a stroke on the background in a first round.
        min_area: smaller regions get no mark.
    """

    robot: LineRobot | None = None
    robot_share: float = 0.5
    click_share: float = 0.0
    every_frame: float = 0.4
    background_share: float = 0.0
    min_area: int = 50

    def first(self, labels: Labels, rng: np.random.Generator) -> NDArray[np.int64]:
        """Marks (T, H, W) of a first round, -1 or 0..N: each object in its true mask."""
        wanted = np.where(labels == VOID, NOT_MARKED, labels.astype(np.int64))
        if rng.random() >= self.background_share:
            wanted[wanted == 0] = NOT_MARKED
        return self._marks(wanted, rng)

    def correct(
        self, labels: Labels, previous: NDArray[np.integer], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Marks (T, H, W) where previous labels (T, H, W) are wrong, by their true number."""
        wrong = (labels != previous) & (labels != VOID)
        return self._marks(np.where(wrong, labels.astype(np.int64), NOT_MARKED), rng)

    def _marks(self, wanted: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Marks inside the regions of a map (T, H, W) of numbers, -1 where there is no region."""
        height, width = wanted.shape[1:]
        areas = np.stack([np.bincount(frame.ravel() + 1, minlength=VOID + 1)[1:] for frame in wanted])
        prompts: list[list[Scribble | Click]] = [[] for _ in wanted]
        for number in rng.permutation(np.flatnonzero((areas >= self.min_area).any(axis=0))):
            for t in self._frames(np.flatnonzero(areas[:, number] >= self.min_area), rng):
                prompts[t] += self._in_region(wanted[t] == number, int(t), int(number), rng)
        maps = [render(marks, height=height, width=width, empty=NOT_MARKED) for marks in prompts]
        return np.stack(maps).astype(np.int64)

    def _frames(self, shown: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """All of some frames, or a random part that is not empty."""
        if rng.random() < self.every_frame or len(shown) == 1:
            return shown
        return np.sort(rng.choice(shown, int(rng.integers(1, len(shown))), replace=False))

    def _in_region(
        self, region: Mask, frame: int, number: int, rng: np.random.Generator
    ) -> list[Scribble | Click]:
        """The marks of one region (H, W), found in the box around it."""
        x, y, width, height = cv2.boundingRect(region.view(np.uint8))
        part, corner = region[y : y + height, x : x + width], np.array((x, y))
        if rng.random() < self.click_share:
            places = clicked(part, int(rng.integers(1, MOST_CLICKS + 1)), rng) + corner
            # The background has no object that a click could deny; the number it had does not matter.
            return [Click(frame, max(number, 1), float(u), float(v), number > 0) for u, v in places]
        lines = []
        if self.robot is not None and rng.random() < self.robot_share:
            lines = list(robot_paths(self.robot, part))
        # The robot draws nothing in regions that are thin everywhere.
        return [Scribble(frame, number, line + corner) for line in lines or [cheap_path(part, rng)]]


def clicked(region: Mask, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Places (count, 2), rows (x, y), in the inner part of a region (H, W) that is not empty."""
    depth = inner_depth(region)
    places = np.argwhere(depth >= 0.5 * depth.max())[:, ::-1]
    return places[rng.choice(len(places), count, replace=len(places) < count)]
