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
        failures: of those the share that failed as a whole, see `failed`; the others are nearly right.
    """

    def __init__(self, items: TrainingData, *, probability: float = 0.3, failures: float = 0.0) -> None:
        for name, value in (("probability", probability), ("failures", failures)):
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {value}")
        self.items, self.probability, self.failures = items, probability, failures

    def item(self, index: int, rng: np.random.Generator, *, step: int) -> TrainingItem:
        """Item number `index` (0, 1, ... without end)."""
        item = dict(self.items.item(index, rng, step=step))
        mask = (item["mask"][0].numpy() > 0.5).astype(np.float32)
        start = np.zeros_like(mask)
        if mask.any() and rng.random() < self.probability:
            others = item["others"][0].numpy().astype(np.float32)
            if self.failures and rng.random() < self.failures:
                start = failed(mask, others, item["image"].numpy(), rng)
            else:
                start = corrupted(mask, others, rng)
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


def failed(mask: Plane, others: Plane, image: Plane, rng: np.random.Generator) -> Plane:
    """A mask that went wrong as a whole, which a person would not touch up but redo.

    It has annexed a neighbour, leaked to what has the object's colours, sits on something else, or lacks half
    of the object; then it is corrupted as the others are.

    Args:
        mask: the truth (H, W), 0 or 1, not empty.
        others: other objects (H, W), 0 or 1.
        image: (3, H, W) in [0, 1].
        rng: chooses what happens.

    Returns:
        (H, W) in [0, 1].
    """
    kinds = ["leak", "elsewhere", "half"] + (["neighbour"] * 2 if others.any() else [])
    kind = kinds[int(rng.integers(len(kinds)))]
    wrong = mask.copy()
    if kind == "half" or rng.random() < 0.3:
        wrong = wrong * _half_plane(mask, rng)
    if kind == "neighbour":
        wrong = np.maximum(wrong, _neighbour(mask, others, rng))
    elif kind == "leak":
        wrong = np.maximum(wrong, _like_coloured(mask, image, rng))
    elif kind == "elsewhere":
        other = _neighbour(mask, others, rng) if others.any() and rng.random() < 0.6 else None
        wrong = _like_coloured(mask, image, rng) * (1 - mask) if other is None else other * (1 - mask)
    if not wrong.any():
        return corrupted(mask, others, rng)
    return corrupted((wrong > 0.5).astype(np.float32), others * 0, rng)


def _half_plane(mask: Plane, rng: np.random.Generator) -> Plane:
    """1 on one side of a line through the mask, at a random angle, 0 on the other."""
    ys, xs = np.nonzero(mask)
    angle = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * xs + np.sin(angle) * ys
    rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]]
    limit = np.quantile(along, rng.uniform(0.3, 0.8))
    return np.asarray(np.cos(angle) * columns + np.sin(angle) * rows < limit, dtype=np.float32)


def _neighbour(mask: Plane, others: Plane, rng: np.random.Generator) -> Plane:
    """One connected piece of the other objects, rather a near one."""
    count, pieces = cv2.connectedComponents((others > 0).astype(np.uint8))
    away = cv2.distanceTransform((mask < 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    distance = np.array([away[pieces == i].min() for i in range(1, count)])
    weights = np.exp(-distance / 20) + 0.05
    chosen = 1 + int(rng.choice(count - 1, p=weights / weights.sum()))
    return np.asarray(pieces == chosen, dtype=np.float32)


def _like_coloured(mask: Plane, image: Plane, rng: np.random.Generator) -> Plane:
    """What has about the colour of a random pixel of the object, smoothed, within a random distance of it."""
    small = cv2.blur(np.ascontiguousarray(image.transpose(1, 2, 0)), (7, 7))
    pixel = int(rng.choice(np.flatnonzero(mask)))
    y, x = divmod(pixel, mask.shape[1])
    difference = np.abs(small - small[y, x]).sum(axis=2)
    share = rng.uniform(0.03, 0.25)
    near = difference <= np.quantile(difference, share)
    if rng.random() < 0.6:
        reach = rng.uniform(0.2, 0.8) * max(mask.shape)
        rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]]
        near &= (rows - y) ** 2 + (columns - x) ** 2 < reach**2
    smooth = cv2.medianBlur(near.astype(np.uint8) * 255, 7)
    return np.asarray(smooth / 255, dtype=np.float32)


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
