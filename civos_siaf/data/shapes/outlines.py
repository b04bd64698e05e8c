"""Closed outlines that deform smoothly, in units of the object's radius."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CORNERS = 72
WAVES = 5


@dataclass(frozen=True, slots=True, eq=False)
class Blob:
    """A circle whose radius is a sum of waves that change over time; stretched along one axis.

    Attributes:
        amplitude, phase, speed: of each wave (WAVES,), speed in radians per frame.
        stretch: height to width.
        power: 1 is round, smaller is more like a cross, larger more like a square.
        centre: (x, y).
        radius: of the circle.
        swing: how far the centre turns about the origin, radians; `tempo` radians per frame.
    """

    amplitude: NDArray[np.float64]
    phase: NDArray[np.float64]
    speed: NDArray[np.float64]
    stretch: float = 1.0
    power: float = 1.0
    centre: tuple[float, float] = (0.0, 0.0)
    radius: float = 1.0
    swing: float = 0.0
    tempo: float = 0.0

    @classmethod
    def random(cls, rng: np.random.Generator, **more: float | tuple[float, float]) -> Blob:
        """A random one."""
        waves = np.arange(2, 2 + WAVES)
        amplitude = rng.normal(0, 0.22, WAVES) / (waves - 1) ** 0.7
        speed = rng.normal(0, 0.12, WAVES)
        phase = rng.uniform(0, 2 * np.pi, WAVES)
        return cls(
            amplitude,
            phase,
            speed,
            stretch=float(rng.uniform(0.45, 1.0)),
            power=float(rng.choice([1.0, 1.0, 0.75, 1.6])),
            **more,  # type: ignore[arg-type]
        )

    def at(self, t: float) -> NDArray[np.float64]:
        """Corners (CORNERS, 2), x and y, at a time."""
        angle = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
        waves = np.arange(2, 2 + WAVES)
        ripple = self.amplitude[:, None] * np.cos(
            waves[:, None] * angle + (self.phase + self.speed * t)[:, None]
        )
        length = self.radius * np.clip(1 + ripple.sum(axis=0), 0.25, None)
        cos, sin = np.cos(angle), np.sin(angle)
        if self.power != 1.0:
            length = length / (np.abs(cos) ** (2 * self.power) + np.abs(sin) ** (2 * self.power)) ** 0.5
        points = np.stack([length * cos, length * sin * self.stretch], axis=1) + self.centre
        turn = self.swing * np.sin(self.tempo * t)
        rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        return np.asarray(points @ rotation, np.float64)


@dataclass(frozen=True, slots=True)
class Outline:
    """One or more blobs that make up an object, and perhaps a hole in it."""

    parts: tuple[Blob, ...]
    hole: Blob | None = None

    @classmethod
    def random(cls, rng: np.random.Generator) -> Outline:
        """A random one: single, with limbs that swing, or with a hole."""
        body = Blob.random(rng)
        kind = rng.random()
        if kind < 0.55:
            return cls((body,))
        if kind < 0.7:
            return cls((body,), hole=Blob.random(rng, radius=float(rng.uniform(0.25, 0.4))))
        limbs = [cls._limb(rng) for _ in range(int(rng.integers(1, 5)))]
        return cls((body, *limbs))

    @staticmethod
    def _limb(rng: np.random.Generator) -> Blob:
        angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 0.8)
        return Blob.random(
            rng,
            centre=(float(reach * np.cos(angle)), float(reach * np.sin(angle))),
            radius=float(rng.uniform(0.25, 0.6)),
            swing=float(rng.uniform(0.1, 0.6)),
            tempo=float(rng.uniform(0.1, 0.45)),
        )
