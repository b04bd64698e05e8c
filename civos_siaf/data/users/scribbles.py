"""Scribbles for the training of scribble-to-mask (docs/specification/mivos.md section 3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from civos_siaf.data.users.lines import SQUARE, LineRobot, curves, middle, outline, robot_lines
from civos_siaf.data.users.morphology import Mask, components, dilate, ellipse, opened


class ScribbleMaps(NamedTuple):
    """Where somebody drew: (H, W) each."""

    positive: Mask
    negative: Mask


@dataclass(frozen=True, kw_only=True)
class ScribbleUser:
    """Draws where a mask is wrong.

    Args:
        robot: the DAVIS robot, with a kernel size of 0.15 to draw as MiVOS' does; None: never asked.
        robot_share: how often it is asked, where there is a mask to correct.
        second_line: probability of a second line in a region.
        extra: probability of further lines, wrong or not.
        min_area: least area for those.
    """

    robot: LineRobot | None = None
    robot_share: float = 0.75
    second_line: float = 0.3
    extra: float = 0.3
    min_area: int = 100

    def draw(self, truth: Mask, previous: Mask, rng: np.random.Generator) -> ScribbleMaps:
        """Scribbles for an object.

        Args:
            truth: (H, W).
            previous: (H, W); an empty one is not corrected, but drawn from nothing.
            rng: all randomness comes from here.
        """
        missing, excess = truth & ~previous, previous & ~truth
        asked = rng.random() < self.robot_share
        if self.robot is not None and asked and previous.any():
            both = (dilate(robot_lines(self.robot, region), SQUARE) for region in (missing, excess))
            return ScribbleMaps(*both)
        kernel = ellipse(int(rng.integers(5, 20)))
        positive, negative = (self._regions(opened(region, kernel), rng) for region in (missing, excess))
        if rng.random() < self.extra or not (positive.any() or negative.any()):
            positive |= self._extra(truth, rng)
            negative |= self._extra(~truth, rng)
        return ScribbleMaps(positive, negative)

    def _regions(self, wrong: Mask, rng: np.random.Generator) -> Mask:
        """Lines through every part that is not too small."""
        out = np.zeros_like(wrong)
        for part in components(wrong):
            if np.count_nonzero(part) < rng.integers(10, 100):
                continue
            out |= self._line(part, rng)
            if rng.random() < self.second_line:
                out |= self._line(part, rng)
        return out

    @staticmethod
    def _line(part: Mask, rng: np.random.Generator) -> Mask:
        kind = rng.random()
        if kind < 0.33:
            return outline(part, rng)
        if kind < 0.66:
            return middle(part, rng)
        return curves(part, rng, count=int(rng.integers(2, 4)))

    def _extra(self, region: Mask, rng: np.random.Generator) -> Mask:
        if np.count_nonzero(region) < self.min_area:
            return np.zeros_like(region)
        return curves(region, rng, count=int(rng.integers(2, 5)), longest=False)
