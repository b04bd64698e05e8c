"""Several objects per clip: cut out of other clips and pasted, with a motion of their own."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.data.samples import Clip, ClipSource
from civos_siaf.data.warp import Matrix, about, warp_image, warp_labels
from civos_siaf.masks import VOID

TRIES = 6
MIN_CUT_PIXELS = 100
MAX_CUT_EDGE = 0.2
"""Pixels of an object on the edge of its frame, in square roots of its area: what more of it is cut off there
would be pasted with a straight edge."""


def over(under: Clip, top: Clip) -> Clip:
    """Paste the objects of `top` over `under`; both keep their objects, those of `top` with new numbers.

    Objects that get no number, because 254 are taken, stay out.

    Raises:
        ValueError: the clips differ in length or size.
    """
    if under.labels.shape != top.labels.shape:
        raise ValueError(f"{under.name} {under.labels.shape} and {top.name} {top.labels.shape} differ")
    first = _highest(under.labels) + 1
    values = [int(v) for v in np.unique(top.labels) if 0 < v < VOID][: VOID - first]
    table = np.zeros(VOID + 1, dtype=np.uint8)
    table[values] = np.arange(first, first + len(values))
    pasted = table[top.labels]
    inside = pasted > 0
    images = np.where(inside[..., None], top.images, under.images)
    return Clip(f"{under.name}+{top.name}", images, np.where(inside, pasted, under.labels))


def _highest(labels: NDArray[np.uint8]) -> int:
    return int(labels[labels != VOID].max(initial=0))


@dataclass(frozen=True, kw_only=True)
class PasteMotion:
    """How a pasted object lies and moves. Sizes are square roots of areas.

    Attributes:
        size: of the object in the base's first frame, in the base's size.
        enlarged: an object's pixels are enlarged so many times at most; it is smaller then.
        drift: way per frame along each axis, at most, in the base's size.
        turn: degrees per frame, -t..t.
        growth: factor of size per frame, within 1/g..g.
        behind: probability that the base's objects hide it where they meet.
        feather: softness of its edge in pixels.
        left: each of the base's objects keeps at least this share of its pixels in the first frame.
    """

    size: tuple[float, float] = (0.15, 0.45)
    enlarged: float = 1.5
    drift: float = 0.06
    turn: float = 6.0
    growth: float = 1.06
    behind: float = 0.3
    feather: float = 0.8
    left: float = 0.4


class CompositeClips:
    """Clips of `base` with objects of `objects` in them; see `ClipSource`.

    A pasted object keeps its colours, its own deformation (its clip has frames too) and its label; it drifts.
    It may cover the base's objects or be covered. Numbers of `base` stay; pasted objects follow.

    Args:
        base: the clips below.
        objects: where objects are cut out; None: `base`.
        count: objects pasted, from..to.
        motion: how they lie and move.
        probability: of pasting at all.
        twins: probability that a pasted object is one of the clip's own, which then has a look-alike.

    Raises:
        ValueError: a source is empty, the count is out of order, or no probability.
    """

    def __init__(
        self,
        base: ClipSource,
        objects: ClipSource | None = None,
        *,
        count: tuple[int, int] = (1, 2),
        motion: PasteMotion | None = None,
        probability: float = 1.0,
        twins: float = 0.0,
    ) -> None:
        if not 0 <= twins <= 1:
            raise ValueError(f"twins must be in [0, 1], got {twins}")
        self.twins = twins
        self.base, self.objects = base, base if objects is None else objects
        if not len(self.base) or not len(self.objects):
            raise ValueError("there are no videos to cut from or to paste into")
        if not 1 <= count[0] <= count[1]:
            raise ValueError(f"count must be (from, to), 1 or more, got {count}")
        self.count, self.motion, self.probability = count, motion or PasteMotion(), probability

    def __len__(self) -> int:
        return len(self.base)

    def clip(self, index: int, rng: np.random.Generator, *, frames: int, gap: int) -> Clip:
        """Draw a clip of base video `index`; see `ClipSource`."""
        clip = self.base.clip(index, rng, frames=frames, gap=gap)
        if rng.random() >= self.probability:
            return clip
        for _ in range(int(rng.integers(self.count[0], self.count[1] + 1))):
            own = bool(self.twins) and rng.random() < self.twins
            source = _cut_from(clip, rng) if own else self._cut(rng, frames, gap)
            if source is not None and _highest(clip.labels) < VOID - 1:
                clip = self._paste(clip, *source, rng)
        return clip

    def _cut(
        self, rng: np.random.Generator, frames: int, gap: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
        """Images and masks (T, H, W) 0 or 1 of an object that its first frame shows; None: none found."""
        for _ in range(TRIES):
            clip = self.objects.clip(int(rng.integers(len(self.objects))), rng, frames=frames, gap=gap)
            found = _cut_from(clip, rng)
            if found is not None:
                return found
        return None

    def _paste(
        self,
        clip: Clip,
        images: NDArray[np.uint8],
        masks: NDArray[np.uint8],
        rng: np.random.Generator,
    ) -> Clip:
        size = (clip.labels.shape[1], clip.labels.shape[2])
        behind = rng.random() < self.motion.behind
        for _ in range(TRIES):
            matrices = self._matrices(masks[0], size, len(masks), rng)
            first = warp_labels(masks[0], matrices[0], size)
            if behind or _enough_left(clip.labels[0], first, self.motion.left):
                break
        else:
            behind = True
        out, labels = clip.images.copy(), clip.labels.copy()
        value = _highest(labels) + 1
        for t, matrix in enumerate(matrices):
            self._blend(out[t], labels[t], images[t], masks[t], matrix, value, behind=behind)
        return Clip(f"{clip.name}+", out, labels)

    def _matrices(
        self, mask: NDArray[np.uint8], size: tuple[int, int], frames: int, rng: np.random.Generator
    ) -> list[Matrix]:
        """From the object's clip to the base's frames: one place and size, and steady drift from there."""
        motion = self.motion
        rows, columns = np.nonzero(mask)
        centre = float(columns.mean()), float(rows.mean())
        side = math.sqrt(size[0] * size[1])
        scale = min(rng.uniform(*motion.size) * side / math.sqrt(len(rows)), motion.enlarged)
        place = rng.uniform(0.15, 0.85, size=2) * (size[1], size[0])
        drift = rng.uniform(-motion.drift, motion.drift, size=2) * side
        turn = math.radians(rng.uniform(-motion.turn, motion.turn))
        growth = math.exp(rng.uniform(-1, 1) * math.log(motion.growth))
        mirror = np.diag([-1.0 if rng.random() < 0.5 else 1.0, 1.0])
        matrices = []
        for t in range(frames):
            cos, sin = math.cos(turn * t), math.sin(turn * t)
            linear = scale * growth**t * np.array([[cos, -sin], [sin, cos]]) @ mirror
            shift = place + drift * t - centre
            matrices.append(about(linear, centre, (float(shift[0]), float(shift[1]))))
        return matrices

    def _blend(
        self,
        out: NDArray[np.uint8],
        labels: NDArray[np.uint8],
        image: NDArray[np.uint8],
        mask: NDArray[np.uint8],
        matrix: Matrix,
        value: int,
        *,
        behind: bool,
    ) -> None:
        """Paste a frame's object into `out` (H, W, 3) and `labels` (H, W), both changed."""
        size = (labels.shape[0], labels.shape[1])
        inside = warp_labels(mask, matrix, size)
        box = _box(inside, margin=math.ceil(3 * self.motion.feather) + 1)
        if box is None:
            return
        corner = np.array([[1.0, 0, -box[1].start], [0, 1, -box[0].start], [0, 0, 1]])
        part = (box[0].stop - box[0].start, box[1].stop - box[1].start)
        pasted = warp_image(image, corner @ matrix, part)
        inside = inside[box]
        hidden = (labels[box] > 0) & behind
        alpha = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), max(self.motion.feather, 1e-3))
        alpha[hidden] = 0
        below = out[box].astype(np.float32)
        blended = below + alpha[..., None] * (pasted.astype(np.float32) - below)
        out[box] = np.rint(blended).astype(np.uint8)
        labels[box][(inside > 0) & ~hidden] = value


def _cut_from(clip: Clip, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """Images and masks (T, H, W) 0 or 1 of an object that a clip's first frame shows whole; None: none is."""
    counts = np.bincount(clip.labels[0].ravel(), minlength=VOID + 1)[1:VOID]
    on_edge = np.bincount(_edge(clip.labels[0]), minlength=VOID + 1)[1:VOID]
    whole = (counts >= MIN_CUT_PIXELS) & (on_edge <= MAX_CUT_EDGE * np.sqrt(counts))
    values = np.flatnonzero(whole) + 1
    if not len(values):
        return None
    value = int(rng.choice(values))
    return clip.images, (clip.labels == value).astype(np.uint8)


def _edge(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The labels along the frame's edge."""
    return np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])


def _enough_left(labels: NDArray[np.uint8], covered: NDArray[np.uint8], share: float) -> bool:
    """Whether every object of `labels` keeps this share of its pixels outside `covered`."""
    before = np.bincount(labels.ravel(), minlength=VOID + 1)[1:VOID]
    after = np.bincount(labels[covered == 0].ravel(), minlength=VOID + 1)[1:VOID]
    return bool((after >= share * before).all())


def _box(mask: NDArray[np.uint8], *, margin: int) -> tuple[slice, slice] | None:
    """Rows and columns of what is set, and a margin; None: nothing is."""
    x, y, width, height = cv2.boundingRect(mask)
    if not width:
        return None
    rows = slice(max(y - margin, 0), min(y + height + margin, mask.shape[0]))
    return rows, slice(max(x - margin, 0), min(x + width + margin, mask.shape[1]))
