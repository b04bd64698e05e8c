"""The clip of the browser tests: coloured shapes that move, and where they are."""

import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH, LENGTH, RATE = 120, 208, 12, 12
RED, SKY = 1, 2
COLOURS = {RED: (215, 45, 50), SKY: (70, 150, 215)}
RADIUS = 18


def centre(shape: int, t: int) -> tuple[int, int]:
    """Of a shape on frame t, (x, y)."""
    return (45 + 3 * t, 40) if shape == RED else (150 - 2 * t, 82)


def truth(shape: int, t: int) -> NDArray[np.bool_]:
    """Where a shape is on frame t, (H, W)."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    x, y = centre(shape, t)
    if shape == RED:
        return np.asarray((columns - x) ** 2 + (rows - y) ** 2 <= RADIUS**2)
    return np.asarray((abs(columns - x) <= RADIUS) & (abs(rows - y) <= RADIUS))


def frames() -> NDArray[np.uint8]:
    """(T, H, W, 3)."""
    video = np.empty((LENGTH, HEIGHT, WIDTH, 3), np.uint8)
    ramp = np.linspace(0, 30, WIDTH)
    video[:] = np.stack([40 + ramp, 45 + 0 * ramp, 110 - ramp], axis=1).astype(np.uint8)
    for t in range(LENGTH):
        for shape, colour in COLOURS.items():
            video[t][truth(shape, t)] = colour
    return video


def iou(found: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float:
    """Intersection over union."""
    return float((found & wanted).sum() / max(1, (found | wanted).sum()))
