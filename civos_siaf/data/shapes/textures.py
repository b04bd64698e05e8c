"""Random textures: a pattern of values in [0, 1], coloured by a palette."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Palette = NDArray[np.float32]
"""Colours (N, 3) in [0, 255], from one end of a pattern to the other."""


def palette(rng: np.random.Generator, colours: int = 3) -> Palette:
    """Colours of one family: near each other in hue, spread in lightness and saturation."""
    hue = rng.uniform(0, 180)
    hsv = np.empty((1, colours, 3), np.uint8)
    hsv[..., 0] = (hue + rng.normal(0, 14, colours)) % 180
    hsv[..., 1] = np.clip(rng.normal(110, 70, colours), 0, 255)
    hsv[..., 2] = np.clip(np.linspace(60, 220, colours) + rng.normal(0, 35, colours), 15, 250)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0], np.float32)


def look_alike(original: Palette, rng: np.random.Generator, *, distance: float = 12) -> Palette:
    """Nearly the same colours."""
    return np.clip(original + rng.normal(0, distance, original.shape), 0, 255).astype(np.float32)


def texture(
    rng: np.random.Generator, size: tuple[int, int], colours: Palette, *, scale: float = 1.0
) -> NDArray[np.uint8]:
    """An image (H, W, 3) of a random pattern in the given colours.

    Args:
        rng: all randomness.
        size: (H, W).
        colours: the palette.
        scale: coarseness of the pattern.
    """
    kind = PATTERNS[int(rng.integers(len(PATTERNS)))]
    plane = kind(rng, size, scale)
    grain = noise(rng, size, scale * 0.3)
    plane = 0.85 * _stretched(plane) + 0.15 * _stretched(grain)
    steps = np.linspace(0, 1, len(colours))
    table = np.stack([np.interp(np.linspace(0, 1, 256), steps, colours[:, c]) for c in range(3)], axis=1)
    lookup = np.rint(table).astype(np.uint8)[None]
    index = np.repeat((np.clip(plane, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)
    return np.asarray(cv2.LUT(index, lookup), np.uint8)


def noise(rng: np.random.Generator, size: tuple[int, int], scale: float) -> Plane:
    """Several octaves of smooth noise."""
    total = np.zeros(size, np.float32)
    cells = max(2.0, max(size) / (48 * scale))
    for octave in range(4):
        grid = [max(2, round(cells * 2**octave * side / max(size))) for side in size]
        coarse = rng.random(grid, dtype=np.float32) - 0.5
        total += cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC) * 0.55**octave
    return total


def _stripes(rng: np.random.Generator, size: tuple[int, int], scale: float) -> Plane:
    y, x = _rotated(rng, size)
    bend = noise(rng, size, scale * 2) * rng.uniform(0, 2)
    wave = np.sin(x * (2 * np.pi / (rng.uniform(8, 30) * scale)) + 3 * bend)
    return np.asarray(wave * (1 + 0.2 * np.sin(y / (20 * scale))), np.float32)


def _checks(rng: np.random.Generator, size: tuple[int, int], scale: float) -> Plane:
    y, x = _rotated(rng, size)
    step = rng.uniform(10, 28) * scale
    return np.asarray(
        (np.floor(x / step) + np.floor(y / step)) % 2 + 0.6 * noise(rng, size, scale), np.float32
    )


def _spots(rng: np.random.Generator, size: tuple[int, int], scale: float) -> Plane:
    plane = noise(rng, size, scale) * 0.5
    for _ in range(int(max(size) / (7 * scale))):
        centre = (int(rng.integers(size[1])), int(rng.integers(size[0])))
        cv2.circle(plane, centre, max(1, int(rng.uniform(2, 9) * scale)), float(rng.uniform(-1, 1)), -1)
    return cv2.GaussianBlur(plane, (0, 0), 0.8)  # type: ignore[return-value]


def _gradient(rng: np.random.Generator, size: tuple[int, int], scale: float) -> Plane:
    y, _ = _rotated(rng, size)
    return np.asarray(y / max(size) + 0.25 * noise(rng, size, scale), np.float32)


def _rotated(rng: np.random.Generator, size: tuple[int, int]) -> tuple[Plane, Plane]:
    angle = rng.uniform(0, np.pi)
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    return (
        (y * np.cos(angle) - x * np.sin(angle)).astype(np.float32),
        (x * np.cos(angle) + y * np.sin(angle)).astype(np.float32),
    )


def _stretched(plane: Plane) -> Plane:
    low, high = float(plane.min()), float(plane.max())
    return (plane - low) / max(high - low, 1e-6)


PATTERNS: tuple[Callable[[np.random.Generator, tuple[int, int], float], Plane], ...] = (
    noise,
    noise,
    _stripes,
    _checks,
    _spots,
    _gradient,
)
