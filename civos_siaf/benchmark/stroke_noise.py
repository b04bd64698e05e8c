"""Strokes drawn less carefully than by the robot: how much a method depends on where people draw."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from civos_siaf.benchmark.scribbles import ScribbleLine, Scribbles


@dataclass(frozen=True, slots=True, kw_only=True)
class StrokeNoise:
    """Moves and shortens every stroke.

    A stroke of a sequence and frame is always changed in the same way; with another `shift` it is moved in
    the same direction by another distance, and with another `keep` shortened about the same place.

    Args:
        shift: how far a stroke is moved, in a random direction, as a part of the frame's shorter side. What
            would lie outside the frame is drawn along its edge.
        keep: the part of its length that is left, 0 to 1; 0 leaves a point.
        seed: other numbers change strokes in other ways.

    Raises:
        ValueError: a value outside its range.
    """

    shift: float = 0.0
    keep: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.shift <= 1:
            raise ValueError(f"shift must be in [0, 1], a part of the shorter side, got {self.shift}")
        if not 0 <= self.keep <= 1:
            raise ValueError(f"keep must be in [0, 1], a part of the length, got {self.keep}")

    def __call__(self, scribbles: Scribbles, *, height: int, width: int) -> Scribbles:
        """The same lines, changed; the frame has `height` x `width` pixels."""
        frames = [
            [
                self._changed(line, f"{scribbles['sequence']} {frame} {number}", height=height, width=width)
                for number, line in enumerate(lines)
            ]
            for frame, lines in enumerate(scribbles["scribbles"])
        ]
        return {"scribbles": frames, "sequence": scribbles["sequence"]}

    def _changed(self, line: ScribbleLine, name: str, *, height: int, width: int) -> ScribbleLine:
        rng = np.random.default_rng((self.seed, zlib.crc32(name.encode())))
        angle, place = rng.uniform(0, 2 * np.pi), rng.uniform()
        size = np.array([width, height], dtype=np.float64)
        path = shortened(np.array(line["path"], dtype=np.float64) * size, keep=self.keep, place=place)
        if self.shift:
            away = self.shift * min(height, width) * np.array([np.cos(angle), np.sin(angle)])
            path = (path + away).clip(0, size)
        return {**line, "path": (path / size).tolist()}


def shortened(path: NDArray[np.float64], *, keep: float, place: float) -> NDArray[np.float64]:
    """The points of a path (N, 2) on a part of its length.

    Args:
        path: N >= 1.
        keep: the part, 0 to 1.
        place: where the part begins, 0 (at the first point) to 1 (so that it ends at the last).

    Returns:
        At least one point.
    """
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    begin = place * (1 - keep) * along[-1]
    inside = (along >= begin) & (along <= begin + keep * along[-1])
    if keep == 1 or not along[-1]:
        return path
    return path[inside] if inside.any() else path[[int(np.abs(along - begin).argmin())]]
