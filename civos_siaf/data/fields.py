"""Smooth random displacements, for objects that change their shape."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

COARSE = 8
"""Fields are computed on a grid this much coarser and enlarged; they are far smoother than that."""


@dataclass(frozen=True, kw_only=True)
class Elastic:
    """Blurred noise: width `sigma` pixels, displacement at most `reach` pixels.

    Source: SIAF, docs/specification/siaf.md section 10.
    """

    probability: float = 0.3
    sigma: float = 20.0
    reach: float = 10.0

    def draw(self, rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32] | None:
        """A displacement (H, W, 2), or None where the draw says no."""
        if rng.random() >= self.probability:
            return None
        rows, columns = -(-height // COARSE), -(-width // COARSE)
        noise = rng.uniform(-1, 1, size=(rows, columns, 2)).astype(np.float32)
        smooth = cv2.GaussianBlur(noise, (0, 0), self.sigma / COARSE)
        amount = rng.uniform(0.3, 1.0) * self.reach / max(float(np.abs(smooth).max()), 1e-6)
        return _enlarge(smooth * amount, height, width)


@dataclass(frozen=True, kw_only=True)
class ThinPlate:
    """A thin-plate spline through `points` random points, moved by normal shifts of `spread` of the size.

    MiVOS stage 0 (docs/specification/mivos.md section 8): 12 points, 0.02, with probability 0.33.
    """

    probability: float = 0.33
    points: int = 12
    spread: float = 0.02

    def draw(self, rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32] | None:
        """A displacement (H, W, 2), or None where the draw says no."""
        if rng.random() >= self.probability:
            return None
        places = rng.uniform(size=(self.points, 2))
        shifts = rng.normal(0.0, self.spread, size=(self.points, 2))
        rows, columns = -(-height // COARSE), -(-width // COARSE)
        y, x = np.meshgrid(
            (np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns, indexing="ij"
        )
        values = _spline(places, shifts, np.stack([x, y], axis=-1).reshape(-1, 2))
        pixels = (values * (width, height)).reshape(rows, columns, 2).astype(np.float32)
        return _enlarge(pixels, height, width)


def _spline(
    places: NDArray[np.float64], values: NDArray[np.float64], queries: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Thin-plate interpolation of `values` (N, 2) given at `places` (N, 2), at `queries` (M, 2)."""
    n = len(places)
    system = np.zeros((n + 3, n + 3))
    system[:n, :n] = _kernel(places, places) + 1e-6 * np.eye(n)
    system[:n, n:] = np.concatenate([np.ones((n, 1)), places], axis=1)
    system[n:, :n] = system[:n, n:].T
    weights = np.linalg.solve(system, np.concatenate([values, np.zeros((3, 2))]))
    flat = np.concatenate([np.ones((len(queries), 1)), queries], axis=1)
    return np.asarray(_kernel(queries, places) @ weights[:n] + flat @ weights[n:])


def _kernel(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    squared = ((first[:, None] - second[None]) ** 2).sum(axis=-1)
    return np.asarray(squared * np.log(squared + 1e-12))


def _enlarge(field: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
