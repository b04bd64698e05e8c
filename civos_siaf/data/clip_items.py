"""Items for training on clips: a few frames, the objects of the first one, and a gap that grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from civos_siaf.data.composites import over
from civos_siaf.data.samples import Clip, ClipSource, TrainingItem
from civos_siaf.masks import VOID

VIDEOS_TRIED = 10


@dataclass(frozen=True, kw_only=True)
class GapSchedule:
    """The gap between frames as a function of the step.

    The defaults are those of MiVOS stage 2
    (docs/specification/mivos.md section 8); stage 1 goes back to 5 at 0.8.

    Attributes:
        total: steps of the training.
        starts: shares of the training, growing from 0; each gap holds from its own on.
        gaps: in frames.

    >>> schedule = GapSchedule(total=1000)
    >>> [schedule(step) for step in (0, 99, 100, 450, 899, 900)]
    [5, 5, 10, 25, 25, 5]
    """

    total: int
    starts: Sequence[float] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.9)
    gaps: Sequence[int] = (5, 10, 15, 20, 25, 5)

    def __post_init__(self) -> None:
        if len(self.starts) != len(self.gaps) or not self.starts or self.starts[0] != 0:
            raise ValueError(f"expected a gap for each start, from 0 on; got {self.starts} and {self.gaps}")
        if list(self.starts) != sorted(self.starts) or min(self.gaps) < 1 or self.total < 1:
            raise ValueError(
                f"starts must grow, gaps and total be 1 or more: {self.starts}, {self.gaps}, {self.total}"
            )

    def __call__(self, step: int) -> int:
        """The gap at a step."""
        share = step / self.total
        return [gap for start, gap in zip(self.starts, self.gaps, strict=True) if start <= share][-1]


class ClipItems:
    """Draws clips and the objects to follow; see `TrainingData`.

    An item holds `images` (T, 3, H, W) in [0, 1], `labels` (T, H, W) int64, 0 background, 1..K objects, 255
    unknown, and `num_objects` () int64, K. Videos are drawn with replacement. A clip without an object to
    follow is drawn anew, first from the same video, then from others.

    Args:
        clips: where they come from.
        augment: what is done to them; it must bring all to one size.
        frames: T, fixed or by step, so that all items of a batch have the same.
        gap: as in `ClipSource`, fixed or by step.
        max_objects: K at most; random ones where there are more.
        min_pixels: an object needs so many pixels in the first frame.
        emerging: (seen, large): an object with at most `seen` pixels in the first frame is left out if it has
            `large` or more in another; MiVOS on BL30K: (900, 400) with min_pixels 101. None: no such rule.
        visible: where objects must be seen: in the first frame (MiVOS, AOT), or in any (SIAF).
        redraws: further clips drawn from a video that shows no object.
        merge: probability of pasting the objects of a second clip over the first
            (AOT, docs/specification/aot.md section 14.5).

    Raises:
        ValueError: there is no video, or an option is out of range.
    """

    def __init__(
        self,
        clips: ClipSource,
        *,
        augment: Callable[[Clip, np.random.Generator], Clip] | None = None,
        frames: int | Callable[[int], int] = 3,
        gap: int | GapSchedule = 5,
        max_objects: int = 2,
        min_pixels: int = 1,
        emerging: tuple[int, int] | None = None,
        visible: Literal["first", "any"] = "first",
        redraws: int = 5,
        merge: float = 0.0,
    ) -> None:
        if len(clips) == 0:
            raise ValueError("there are no videos to train on")
        if (isinstance(frames, int) and frames < 1) or not 1 <= max_objects < VOID:
            raise ValueError(f"frames {frames} and max_objects {max_objects} must be 1 or more")
        if visible not in ("first", "any"):
            raise ValueError(f"visible must be first or any, got {visible!r}")
        self.clips, self.augment = clips, augment
        self.frames, self.gap = frames, gap
        self.max_objects, self.min_pixels, self.emerging = max_objects, max(min_pixels, 1), emerging
        self.visible, self.redraws, self.merge = visible, redraws, merge

    def item(self, index: int, rng: np.random.Generator, *, step: int) -> TrainingItem:
        """See `TrainingData`.

        Raises:
            ValueError: many videos in a row show no object that is large enough.
        """
        gap = self.gap if isinstance(self.gap, int) else self.gap(step)
        frames = self.frames if isinstance(self.frames, int) else self.frames(step)
        clip, found = self._draw(rng, frames, gap)
        chosen = rng.permutation(found)[: self.max_objects]
        table = np.zeros(VOID + 1, dtype=np.int64)
        table[VOID] = VOID
        table[chosen] = np.arange(1, len(chosen) + 1)
        planes = np.moveaxis(clip.images, -1, 1)
        images = np.multiply(planes, np.float32(1 / 255), dtype=np.float32, order="C")
        return {
            "images": torch.from_numpy(images),
            "labels": torch.from_numpy(table[clip.labels]),
            "num_objects": torch.tensor(len(chosen)),
        }

    def _draw(self, rng: np.random.Generator, frames: int, gap: int) -> tuple[Clip, NDArray[np.int64]]:
        """A clip with its objects to follow, at least one."""
        for _ in range(VIDEOS_TRIED):
            video = int(rng.integers(len(self.clips)))
            for _ in range(self.redraws + 1):
                clip = self._clip(video, rng, frames, gap)
                if rng.random() < self.merge:
                    other = self._clip(int(rng.integers(len(self.clips))), rng, frames, gap)
                    clip = over(clip, other)
                found = self._objects(clip.labels)
                if len(found):
                    return clip, found
        raise ValueError(
            f"no object of {self.min_pixels} pixels in {VIDEOS_TRIED} videos, the last one {clip.name}"
        )

    def _clip(self, video: int, rng: np.random.Generator, frames: int, gap: int) -> Clip:
        clip = self.clips.clip(video, rng, frames=frames, gap=gap)
        return self.augment(clip, rng) if self.augment else clip

    def _objects(self, labels: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Values of the objects to follow."""
        counts = np.stack([np.bincount(frame.ravel(), minlength=VOID + 1) for frame in labels])
        counts[:, [0, VOID]] = 0
        seen = counts.max(axis=0) if self.visible == "any" else counts[0]
        kept = seen >= self.min_pixels
        if self.emerging is not None and len(counts) > 1:
            small, large = self.emerging
            kept &= (counts[0] > small) | (counts[1:].max(axis=0) < large)
        return np.flatnonzero(kept)
