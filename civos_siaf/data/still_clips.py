"""Clips made of single images: every frame is the image, moved, bent and coloured anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from civos_siaf.data.colour import Jitter
from civos_siaf.data.fields import Elastic, ThinPlate
from civos_siaf.data.samples import Clip, ImageSample, ImageSource
from civos_siaf.data.warp import Motion, crop_resize, warp_image, warp_labels
from civos_siaf.masks import VOID


class Bending(Protocol):
    """Draws smooth displacements, see `fields`."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32] | None:
        """A displacement (H, W, 2) in pixels, or None."""


@dataclass(frozen=True, kw_only=True)
class StillMotion:
    """How a still image is made to move.

    Attributes:
        shared: motion that all frames have in common.
        frame: motion of each frame on its own, from the image (not from the frame before).
        area: each frame shows a random window of this share of the image, e.g. (0.6, 1.0); None: all of it
            that fits the shape of the clip, anywhere along the longer side (the same place in all frames).
        ratio: width to height of that window, within this factor of the clip's own.
        bending: smooth displacement of each frame.
        shared_jitter: colour change that all frames have in common.
        frame_jitter: colour change of each frame.
        still_first: the first frame has no motion of its own.
    """

    shared: Motion = field(default_factory=Motion)
    frame: Motion = field(default_factory=Motion)
    area: tuple[float, float] | None = None
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    bending: Bending | None = None
    shared_jitter: Jitter = field(default_factory=Jitter)
    frame_jitter: Jitter = field(default_factory=Jitter)
    still_first: bool = False


MIVOS_STILLS = StillMotion(
    shared=Motion(scale=(0.8, 1.5), flip=0.5),
    frame=Motion(rotation=20, shear=10, scale=(0.9, 1.1)),
    bending=ThinPlate(probability=0.33, points=12, spread=0.02),
    shared_jitter=Jitter(brightness=0.1, contrast=0.05, saturation=0.05, hue=0.05, grey=0.05),
    frame_jitter=Jitter(brightness=0.1, contrast=0.05, saturation=0.05),
)
"""Stage 0 of MiVOS (docs/specification/mivos.md section 8)."""

AOT_STILLS = StillMotion(
    shared=Motion(flip=0.5),
    frame=Motion(rotation=20, shear=10, translation=0.1, scale=(0.9, 1.1), flip=0.3),
    area=(0.8, 1.0),
    frame_jitter=Jitter(brightness=0.1, contrast=0.1, saturation=0.1, hue=0.03),
    still_first=True,
)
"""The pseudo videos of AOT (docs/specification/aot.md section 14.7)."""

SIAF_STILLS = StillMotion(
    frame=Motion(rotation=20, shear=10, translation=0.1, scale=(0.9, 1.1), flip=0.3),
    area=(0.6, 1.0),
    bending=Elastic(probability=0.3, sigma=20, reach=10),
    frame_jitter=Jitter(brightness=0.1, contrast=0.1, saturation=0.1, hue=0.03),
)
"""The LVIS videos of SIAF (docs/specification/siaf.md section 10, item 3)."""

PRESETS = {"mivos": MIVOS_STILLS, "aot": AOT_STILLS, "siaf": SIAF_STILLS}


class ImageClips:
    """Clips of single images with their objects; where objects overlap, the smaller one is on top.

    Args:
        images: where the images come from.
        size: (height, width) of the clips; the image fills it.
        motion: how they move, or the name of a published preset: mivos, aot, siaf.
        max_objects: so many objects at most, chosen at random; the others become background.
        min_area: leave out objects with fewer pixels in the image.

    Raises:
        ValueError: an unknown preset, or max_objects outside 1..254.
    """

    def __init__(
        self,
        images: ImageSource,
        *,
        size: tuple[int, int] = (384, 384),
        motion: StillMotion | str = "mivos",
        max_objects: int = 10,
        min_area: int = 100,
    ) -> None:
        if isinstance(motion, str) and motion not in PRESETS:
            raise ValueError(f"motion must be one of {', '.join(PRESETS)} or a StillMotion, got {motion!r}")
        if not 1 <= max_objects < VOID:
            raise ValueError(f"max_objects must be 1..{VOID - 1}, got {max_objects}")
        self._images = images
        self._size = (size[0], size[1])
        self._motion = PRESETS[motion] if isinstance(motion, str) else motion
        self._max_objects = max_objects
        self._min_area = min_area

    def __len__(self) -> int:
        return len(self._images)

    def clip(self, index: int, rng: np.random.Generator, *, frames: int, gap: int = 1) -> Clip:
        """Make a clip of image `index`; `gap` has no effect."""
        sample = self._images[index]
        labels = paint(sample, rng, max_objects=self._max_objects, min_area=self._min_area)
        return move_still(sample.name, sample.image, labels, rng, self._motion, self._size, frames)


def paint(
    sample: ImageSample, rng: np.random.Generator, *, max_objects: int = VOID - 1, min_area: int = 1
) -> NDArray[np.uint8]:
    """Labels (H, W) of the objects 1..K in random order; the smaller of two that overlap is on top."""
    areas = np.count_nonzero(sample.masks, axis=(1, 2))
    chosen = rng.permutation(np.flatnonzero(areas >= max(min_area, 1)))[:max_objects]
    labels = np.zeros(sample.image.shape[:2], dtype=np.uint8)
    for place in np.argsort(-areas[chosen], kind="stable"):
        labels[sample.masks[chosen[place]]] = place + 1
    return labels


def move_still(
    name: str,
    image: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    rng: np.random.Generator,
    motion: StillMotion,
    size: tuple[int, int],
    frames: int,
) -> Clip:
    """A clip of T frames of `size` (H, W) from an image (H, W, 3) and its labels (H, W)."""
    height, width = image.shape[:2]
    fit = _cover(height, width, size, rng.uniform(size=2))
    shared, shared_colour = motion.shared.draw(rng, height, width), motion.shared_jitter.draw(rng)
    images = np.empty((frames, *size, 3), dtype=np.uint8)
    maps = np.empty((frames, *size), dtype=np.uint8)
    for t in range(frames):
        own = motion.frame.draw(rng, height, width)
        if t == 0 and motion.still_first:
            own = np.eye(3)
        window = fit if motion.area is None else _window(height, width, size, rng, motion)
        bend = motion.bending.draw(rng, *size) if motion.bending else None
        matrix = window @ own @ shared
        colour = motion.frame_jitter.draw(rng)
        images[t] = colour(shared_colour(warp_image(image, matrix, size, field=bend)))
        maps[t] = warp_labels(labels, matrix, size, field=bend)
    return Clip(name, images, maps)


def _cover(height: int, width: int, size: tuple[int, int], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest window of the clip's shape, at `place` (y, x; 0..1) along the side that is too long."""
    scale = min(height / size[0], width / size[1])
    window = size[0] * scale, size[1] * scale
    return crop_resize(place[1] * (width - window[1]), place[0] * (height - window[0]), window, size)


def _window(
    height: int, width: int, size: tuple[int, int], rng: np.random.Generator, motion: StillMotion
) -> NDArray[np.float64]:
    """A random window of the drawn area and ratio, made to fill the clip."""
    assert motion.area is not None
    area = rng.uniform(*motion.area) * height * width
    ratio = np.exp(rng.uniform(*np.log(motion.ratio))) * size[1] / size[0]
    window = min(float(np.sqrt(area / ratio)), height), min(float(np.sqrt(area * ratio)), width)
    left, top = rng.uniform(0, width - window[1]), rng.uniform(0, height - window[0])
    return crop_resize(float(left), float(top), window, size)
