"""True masks made wrong, as an earlier round would have left them.

Source: docs/specification/mivos.md section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.data.fields import Elastic
from civos_siaf.data.users.morphology import Mask, ellipse, iou
from civos_siaf.masks import VOID

ROUNDS, CHANGES = 250, 4
"""Most rounds, and changes of a rectangle in each."""


def damaged(mask: Mask, rng: np.random.Generator, target: float) -> Mask:
    """Grow and shrink a mask in random rectangles until it is wrong enough.

    Args:
        mask: (H, W). With a side of 2 pixels or less it comes back as it is.
        rng: all randomness comes from here.
        target: IoU with the original below which it is done; after 250 rounds it is done in any case.
    """
    if min(mask.shape) <= 2:
        return np.array(mask)
    out = mask.astype(np.uint8)
    for _ in range(ROUNDS):
        for _ in range(CHANGES):
            _change(out, rng)
        if iou(out > 0, mask) < target:
            break
    return np.asarray(out > 0)


def _change(mask: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """One change in place."""
    height, width = mask.shape
    y, x = int(rng.integers(height - 1)), int(rng.integers(width - 1))
    bottom, right = int(rng.integers(y + 1, height)), int(rng.integers(x + 1, width))
    if rng.random() < 0.1:
        mask[(y + bottom) // 2, (x + right) // 2] = rng.integers(2)
    size = int(rng.integers(3, 10))
    kernel = _kernel(size, int(rng.integers(4)))
    change = cv2.dilate if rng.random() < 0.5 else cv2.erode
    mask[y:bottom, x:right] = change(np.ascontiguousarray(mask[y:bottom, x:right]), kernel)


def _kernel(size: int, shape: int) -> NDArray[np.uint8]:
    """Square, ellipse, flat ellipse, thin ellipse."""
    if shape == 0:
        return np.ones((size, size), np.uint8)
    if shape == 1:
        return ellipse(size)
    half = max(1, size // 2)
    sides = (size, half) if shape == 2 else (half, size)
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, sides), np.uint8)


TRIES = 5
LINES = 480
"""Sizes in pixels are meant for frames of so many lines, and scaled to others."""


@dataclass(frozen=True, kw_only=True)
class LabelDamage:
    """Grows, shrinks, moves, bends, confuses and loses objects, each frame on its own.

    Attributes:
        resize: pixels by which an object grows or shrinks, from..to.
        shift: most pixels of a shift along each axis.
        bend: smooth displacement of its outline.
        drop: probability that an object is missing.
        swap: probability that it changes its number with another.
        blob: probability of a hole, and of a false part: an ellipse of 1 to 10 % of the object.
        keep: range of the IoU of an object with its true mask; other damage is drawn anew, and given up
            after five draws.
    """

    resize: tuple[float, float] = (3, 25)
    shift: float = 10
    bend: Elastic = field(default_factory=lambda: Elastic(probability=0.5))
    drop: float = 0.1
    swap: float = 0.05
    blob: float = 0.5
    keep: tuple[float, float] = (0.2, 0.97)

    def __call__(self, labels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Wrong labels (T, H, W) of 0..N for true ones of 0..N and 255."""
        return np.stack([self._frame(frame, rng) for frame in labels])

    def _frame(self, labels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        numbers = [int(number) for number in np.unique(labels) if 0 < number < VOID]
        names = self._names(numbers, rng)
        out = np.zeros_like(labels)
        for place in rng.permutation(len(numbers)):
            if rng.random() >= self.drop:
                out[self._object(labels == numbers[place], rng)] = names[place]
        return out

    def _names(self, numbers: list[int], rng: np.random.Generator) -> list[int]:
        """The objects' numbers after some have changed theirs."""
        names = list(numbers)
        for place in range(len(names)):
            if len(names) > 1 and rng.random() < self.swap:
                other = int(rng.integers(len(names)))
                names[place], names[other] = names[other], names[place]
        return names

    def _object(self, mask: Mask, rng: np.random.Generator) -> Mask:
        """A wrong mask (H, W)."""
        scale = min(mask.shape) / LINES
        outside = _distance(~mask) - _distance(mask)
        for _ in range(TRIES):
            amount = rng.uniform(*self.resize) * scale * (1 if rng.random() < 0.5 else -1)
            wrong = self._moved(outside, scale, rng) < amount
            wrong = self._with_blobs(wrong, mask, rng)
            if self.keep[0] <= iou(wrong, mask) <= self.keep[1]:
                return wrong
        return mask

    def _moved(
        self, outside: NDArray[np.float32], scale: float, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """The distance to an object, shifted and bent."""
        height, width = outside.shape
        shift = rng.uniform(-self.shift, self.shift, size=2).astype(np.float32) * scale
        bend = self.bend.draw(rng, height, width)
        flow = np.zeros((height, width, 2), np.float32) if bend is None else bend * np.float32(scale)
        y, x = np.mgrid[:height, :width].astype(np.float32)
        border = cv2.BORDER_REPLICATE
        moved = cv2.remap(
            outside,
            x + flow[..., 0] + shift[0],
            y + flow[..., 1] + shift[1],
            cv2.INTER_LINEAR,
            borderMode=border,
        )
        return np.asarray(moved, dtype=np.float32)

    def _with_blobs(self, wrong: Mask, mask: Mask, rng: np.random.Generator) -> Mask:
        """A hole in the object and a false part somewhere near it."""
        out = wrong.astype(np.uint8)
        area = int(np.count_nonzero(mask))
        if rng.random() < self.blob:
            _ellipse(out, _place(mask, rng), area, rng, value=0)
        if rng.random() < self.blob:
            y, x = _place(mask, rng)
            far = rng.normal(0, np.sqrt(area), size=2)
            _ellipse(out, (int(y + far[0]), int(x + far[1])), area, rng, value=1)
        return np.asarray(out > 0)


def _distance(mask: Mask) -> NDArray[np.float32]:
    """How far each pixel of a mask (H, W) is from what is not; 0 there."""
    return np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3), dtype=np.float32)


def _place(mask: Mask, rng: np.random.Generator) -> tuple[int, int]:
    """A random pixel (y, x) of a mask that is not empty."""
    y, x = divmod(int(rng.choice(np.flatnonzero(mask))), mask.shape[1])
    return y, x


def _ellipse(
    canvas: NDArray[np.uint8], place: tuple[int, int], area: int, rng: np.random.Generator, *, value: int
) -> None:
    """Paint an ellipse of 1 to 10 % of an area around a place (y, x)."""
    radius, stretch = np.sqrt(rng.uniform(0.01, 0.1) * area / np.pi), rng.uniform(0.6, 1.6)
    axes = max(1, round(radius * stretch)), max(1, round(radius / stretch))
    cv2.ellipse(canvas, (place[1], place[0]), axes, float(rng.uniform(0, 180)), 0, 360, value, -1)
