"""Random changes of a clip for training: some that all frames share, some of each frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from civos_siaf.data.colour import Colour, Jitter
from civos_siaf.data.samples import Clip
from civos_siaf.data.warp import MEAN_COLOUR, Matrix, Motion, crop_resize, warp_image, warp_labels
from civos_siaf.masks import VOID

TRIES = 10


class Window(Protocol):
    """Draws the part of a picture that fills a crop."""

    def draw(self, rng: np.random.Generator, height: int, width: int, size: tuple[int, int]) -> Matrix:
        """Matrix from a picture (height, width) to a crop of `size` (H, W)."""


@dataclass(frozen=True, kw_only=True)
class ResizedCrop:
    """A window of a random share of the picture, stretched to the crop (torchvision's resized crop).

    Attributes:
        area: share of the picture's area. MiVOS: 0.36..1, BL30K 0.25..1
            (docs/specification/mivos.md section 8).
        ratio: width to height of the window, times the crop's own.
    """

    area: tuple[float, float] = (0.36, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)

    def draw(self, rng: np.random.Generator, height: int, width: int, size: tuple[int, int]) -> Matrix:
        """Matrix from a picture to a crop; a window that never fits is cut to the picture's sides."""
        low, high = np.log(self.ratio)
        for _ in range(TRIES):
            area = rng.uniform(*self.area) * height * width
            ratio = float(np.exp(rng.uniform(low, high))) * size[1] / size[0]
            window = float(np.sqrt(area / ratio)), float(np.sqrt(area * ratio))
            if window[0] <= height and window[1] <= width:
                break
        else:
            scale = min(height / size[0], width / size[1])
            window = size[0] * scale, size[1] * scale
        top, left = rng.uniform(0, height - window[0]), rng.uniform(0, width - window[1])
        return crop_resize(float(left), float(top), window, size)


@dataclass(frozen=True, kw_only=True)
class ScaledCrop:
    """A random resize that keeps the picture's shape, padding if it is too small, and a random crop.

    Attributes:
        scale: factor of the size. RITM: 0.75..1.40
            (docs/specification/ritm.md section 11); AOT: 0.7..1.3 (docs/specification/aot.md section 14.6).
        short_side: the shorter side is brought to so many pixels before; None: the picture as it is.
        centred: a picture smaller than the crop lies in its middle (RITM), else anywhere in it (AOT).
    """

    scale: tuple[float, float] = (0.75, 1.40)
    short_side: int | None = None
    centred: bool = True

    def draw(self, rng: np.random.Generator, height: int, width: int, size: tuple[int, int]) -> Matrix:
        """Matrix from a picture to a crop."""
        scale = float(rng.uniform(*self.scale))
        if self.short_side is not None:
            scale *= self.short_side / min(height, width)
        window = size[0] / scale, size[1] / scale
        places = rng.uniform(size=2)
        spare = np.array([height - window[0], width - window[1]])
        if self.centred:
            places = np.where(spare < 0, 0.5, places)
        top, left = spare * places
        return crop_resize(float(left), float(top), window, size)


@dataclass(frozen=True, kw_only=True)
class ClipAugment:
    """Geometry and colour of a clip; every frame is resampled once.

    The defaults are MiVOS's for videos
    (docs/specification/mivos.md section 8). A frame's own motion looks beyond the shared window
    where the video goes on there; only what lies outside the video is filled.

    Attributes:
        size: (H, W) of the crop.
        window: which part of the video it shows, the same in all frames.
        flip: probability of a flip of all frames.
        frame_motion: affine motion of each frame on its own.
        shared_colour: change of all frames.
        frame_colour: change of each frame on its own.
        min_pixels: a window is drawn anew while no object has so many pixels in the first frame.
        tries: windows drawn at most; the last is taken as it is.
        fill: colour outside the video.
    """

    size: tuple[int, int] = (384, 384)
    window: Window = field(default_factory=ResizedCrop)
    flip: float = 0.5
    frame_motion: Motion = field(default_factory=lambda: Motion(rotation=15, shear=10))
    shared_colour: Colour = field(
        default_factory=lambda: Jitter(brightness=0.1, contrast=0.03, saturation=0.03, grey=0.05)
    )
    frame_colour: Colour = field(
        default_factory=lambda: Jitter(brightness=0.01, contrast=0.01, saturation=0.01)
    )
    min_pixels: int = 1
    tries: int = 1
    fill: tuple[int, int, int] = MEAN_COLOUR

    def __call__(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """Draw a crop of a clip: images (T, H, W, 3), labels (T, H, W) of `size`."""
        rows, columns = size = (self.size[0], self.size[1])
        height, width = clip.labels.shape[1:]
        mirror = Motion(flip=self.flip).draw(rng, height, width)
        frames = len(clip.images)
        own = [self.frame_motion.draw(rng, rows, columns) for _ in range(frames)]
        for _ in range(max(self.tries, 1)):
            shared = self.window.draw(rng, height, width, size) @ mirror
            first = warp_labels(clip.labels[0], own[0] @ shared, size)
            counts = np.bincount(first.ravel(), minlength=VOID + 1)[1:VOID]
            if counts.max() >= self.min_pixels:
                break
        change = self.shared_colour.draw(rng)
        images = np.empty((frames, rows, columns, 3), dtype=np.uint8)
        labels = np.empty((frames, rows, columns), dtype=np.uint8)
        fill = (int(self.fill[0]), int(self.fill[1]), int(self.fill[2]))
        for t in range(frames):
            matrix = own[t] @ shared
            image = warp_image(clip.images[t], matrix, size, fill=fill)
            images[t] = self.frame_colour.draw(rng)(change(image))
            labels[t] = first if t == 0 else warp_labels(clip.labels[t], matrix, size)
        return Clip(clip.name, images, labels)
