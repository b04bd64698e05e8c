"""Where things are at a time: smooth ways inside, and a little beyond, the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A way through the picture; times in frames, places in parts of the picture's sides.

    Attributes:
        start: (x, y) at time 0.
        speed: (x, y) per frame; at the limits it turns round.
        sway: amplitude of a swinging about the way, (x, y).
        tempo: of the swinging, radians per frame, (x, y).
        limits: between which it stays, along both axes.
        angle, spin, rock: orientation at 0, turn per frame, amplitude of rocking, in radians.
        scale, breath: size, and the part of it that swells and shrinks.
    """

    start: Pair
    speed: Pair
    sway: Pair
    tempo: Pair
    limits: Pair
    angle: float
    spin: float
    rock: float
    scale: float
    breath: float

    @classmethod
    def random(cls, rng: np.random.Generator, *, scale: Pair, pace: float, limits: Pair = (0.1, 0.9)) -> Path:
        """A random one.

        Args:
            rng: all randomness.
            scale: range of the size.
            pace: typical speed, picture sides per frame.
            limits: see above.
        """
        x, y = rng.uniform(limits[0], limits[1], 2)
        vx, vy = rng.normal(0, pace, 2)
        sx, sy = np.abs(rng.normal(0, 0.05, 2))
        tx, ty = rng.uniform(0.05, 0.25, 2)
        spinning = rng.random() < 0.35
        return cls(
            start=(float(x), float(y)),
            speed=(float(vx), float(vy)),
            sway=(float(sx), float(sy)),
            tempo=(float(tx), float(ty)),
            limits=limits,
            angle=float(rng.uniform(0, 2 * np.pi)),
            spin=float(rng.normal(0, 0.06)) if spinning else 0.0,
            rock=float(abs(rng.normal(0, 0.25))),
            scale=float(rng.uniform(*scale)),
            breath=float(rng.uniform(0, 0.2)),
        )

    def place(self, t: float) -> Pair:
        """(x, y) at a time."""
        x, y = (
            _folded(start + speed * t, *self.limits) + sway * np.sin(tempo * t)
            for start, speed, sway, tempo in zip(self.start, self.speed, self.sway, self.tempo, strict=True)
        )
        return float(x), float(y)

    def turn(self, t: float) -> float:
        """Orientation at a time, in radians."""
        return float(self.angle + self.spin * t + self.rock * np.sin(self.tempo[0] * t))

    def size(self, t: float) -> float:
        """Size at a time."""
        return float(self.scale * (1 + self.breath * np.sin(self.tempo[1] * t)))


def _folded(value: float, low: float, high: float) -> float:
    """A value that turns round at both ends."""
    span = high - low
    place = (value - low) % (2 * span)
    return low + (place if place <= span else 2 * span - place)
