"""Wrong masks to correct: in later rounds a click network begins from what propagation left."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from civos_siaf.data.samples import TrainingData, TrainingItem

Plane = NDArray[np.float32]


class WithStartMasks:
    """Adds `start` (1, H, W) in [0, 1] to click items: for some of them a corrupted mask, else nothing.

    Args:
        items: click items with `mask` and `others`, both (1, H, W).
        probability: of a corrupted mask.
    """

    def __init__(self, items: TrainingData, *, probability: float = 0.3) -> None:
        if not 0 <= probability <= 1:
            raise ValueError(f"probability must be in [0, 1], got {probability}")
        self.items, self.probability = items, probability

    def item(self, index: int, rng: np.random.Generator, *, step: int) -> TrainingItem:
        """Item number `index` (0, 1, ... without end)."""
        item = dict(self.items.item(index, rng, step=step))
        mask = (item["mask"][0].numpy() > 0.5).astype(np.float32)
        start = np.zeros_like(mask)
        if mask.any() and rng.random() < self.probability:
            start = corrupted(mask, item["others"][0].numpy().astype(np.float32), rng)
        item["start"] = torch.from_numpy(start)[None]
        return item


def corrupted(mask: Plane, others: Plane, rng: np.random.Generator) -> Plane:
    """A mask as a propagation could have left it: moved, grown, shrunk, partly lost, leaking, soft.

    Args:
        mask: the truth (H, W), 0 or 1, not empty.
        others: other objects (H, W), 0 or 1.
        rng: chooses what happens.

    Returns:
        (H, W) in [0, 1].
    """
    side = float(np.sqrt(mask.sum()))
    wrong = mask.copy()
    if rng.random() < 0.5:
        wrong = _moved(wrong, side, rng)
    if rng.random() < 0.5:
        wrong = _resized(wrong, side, rng)
    if rng.random() < 0.5:
        wrong = wrong * (1 - _blob(mask, side * rng.uniform(0.2, 0.7), rng))
    if rng.random() < 0.4:
        source = others if others.any() and rng.random() < 0.5 else 1 - mask
        wrong = np.maximum(wrong, _blob(source, side * rng.uniform(0.1, 0.6), rng) * (rng.random() < 0.9))
    if rng.random() < 0.2 and others.any():
        wrong = np.maximum(wrong, others)
    blur = rng.uniform(0.5, 3)
    soft = cv2.GaussianBlur(wrong.astype(np.float32), (0, 0), blur)
    return np.asarray(np.clip(soft, 0, 1), dtype=np.float32)


def _moved(mask: Plane, side: float, rng: np.random.Generator) -> Plane:
    height, width = mask.shape
    ys, xs = np.nonzero(mask)
    angle, scale = rng.uniform(-12, 12), rng.uniform(0.85, 1.15)
    warp = np.asarray(cv2.getRotationMatrix2D((float(xs.mean()), float(ys.mean())), angle, scale), float)
    warp[:, 2] += rng.uniform(-0.12, 0.12, 2) * side
    return np.asarray(cv2.warpAffine(mask, warp, (width, height)), dtype=np.float32)


def _resized(mask: Plane, side: float, rng: np.random.Generator) -> Plane:
    size = 2 * int(rng.uniform(1, max(2.0, 0.08 * side))) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    change = cv2.dilate if rng.random() < 0.5 else cv2.erode
    return np.asarray(change(mask, kernel), dtype=np.float32)


def _blob(region: Plane, radius: float, rng: np.random.Generator) -> Plane:
    """An ellipse around a random pixel of the region; empty if the region is."""
    blob = np.zeros_like(region)
    pixels = np.flatnonzero(region)
    if len(pixels):
        y, x = divmod(int(rng.choice(pixels)), region.shape[1])
        axes = (max(1, int(radius * rng.uniform(0.6, 1.4))), max(1, int(radius * rng.uniform(0.6, 1.4))))
        cv2.ellipse(blob, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
    return blob
