"""Synthetic videos as sources of training clips and images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from civos_siaf.data.samples import Clip, ImageSample
from civos_siaf.data.shapes.scene import Scene, SceneRules

TRAINING, HELD_OUT = 0x7EA1, 0xBE9C
"""Which world a video is from: no training video is ever one of the benchmark's."""


class ShapesClips:
    """Synthetic videos; see `ClipSource`. Only the frames that are asked for are drawn.

    Args:
        size: (H, W) of the frames.
        objects: fewest and most labelled objects of a video, up to 12.
        length: how many videos there are; video `index` is always the same.
        video_frames: frames of each.
        seed: another seed gives other videos.
        rules: further rules of the scenes; its `objects` are replaced.
        held_out: videos for evaluation, of which no training ever sees one.

    Raises:
        ValueError: an option out of range.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int] = (256, 256),
        objects: tuple[int, int] = (1, 4),
        length: int = 1_000_000,
        video_frames: int = 60,
        seed: int = 0,
        rules: SceneRules | None = None,
        held_out: bool = False,
    ) -> None:
        if not 1 <= objects[0] <= objects[1] <= 12:
            raise ValueError(f"objects must be (fewest, most) within 1..12, got {tuple(objects)}")
        if min(*size, length, video_frames) < 1:
            raise ValueError(f"size {tuple(size)}, length {length}, video_frames {video_frames}: 1 or more")
        self.size = (int(size[0]), int(size[1]))
        self.length, self.video_frames, self.seed = length, video_frames, seed
        self.rules = replace(rules or SceneRules(), objects=(objects[0], objects[1]))
        self._world = HELD_OUT if held_out else TRAINING

    def __len__(self) -> int:
        return self.length

    def scene(self, index: int) -> Scene:
        """Video number `index`."""
        return Scene(np.random.default_rng((self._world, self.seed, index)), self.size, self.rules)

    def render(self, index: int) -> Clip:
        """All frames of a video."""
        return self._drawn(index, list(range(self.video_frames)))

    def clip(self, index: int, rng: np.random.Generator, *, frames: int, gap: int) -> Clip:
        """Draw a clip of video `index`; the same for the same generator state.

        Steps of 1..gap frames, forwards.
        """
        steps = rng.integers(1, max(1, gap) + 1, frames - 1)
        times = np.concatenate([[0], np.cumsum(steps)])
        start = int(rng.integers(max(1, self.video_frames - int(times[-1]))))
        return self._drawn(index, [min(start + int(t), self.video_frames - 1) for t in times])

    def _drawn(self, index: int, times: list[int]) -> Clip:
        scene = self.scene(index)
        pairs = [scene.draw(t) for t in times]
        images, labels = zip(*pairs, strict=True)
        return Clip(f"shapes {index}", np.stack(images), np.stack(labels))


class ShapesImages:
    """Frames of synthetic videos; see `ImageSource`.

    Args:
        clips: the videos; image `index` is a frame of video `index`.
    """

    def __init__(self, clips: ShapesClips) -> None:
        self.clips = clips

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> ImageSample:
        """Read one, 0..len-1; always the same for the same number. One mask per object that is visible."""
        clip = self.clips.clip(index, np.random.default_rng(index), frames=1, gap=1)
        labels = clip.labels[0]
        values = [value for value in np.unique(labels) if value]
        masks = (
            np.stack([labels == value for value in values]) if values else np.zeros((0, *labels.shape), bool)
        )
        return ImageSample(clip.name, clip.images[0], masks)
