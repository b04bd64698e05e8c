"""Annotations made up for tests, and label maps drawn by hypothesis."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from civos_siaf.video.frames import Frames

HOSTILE = "../../<b>&\"'лиса\x00\u2028😀\\.mp4"


@dataclass(frozen=True)
class FakeObject:
    id: int
    name: str
    colour: str = "#e6194b"


class FakeAnnotation:
    def __init__(self, video, *, name="clip.mp4", objects=None, frames=None, reviewed=()):
        self.video = np.asarray(video, np.uint8)
        self.name = name
        self.reviewed = frozenset(reviewed)
        self.frames = frames or Frames.open(pictures(self.video.shape))
        numbers = sorted(set(np.unique(self.video).tolist()) - {0})
        self.objects = objects or [FakeObject(n, f"object {n}", f"#{n:02x}80ff") for n in numbers]

    def labels(self, frame):
        return self.video[frame].copy()


def pictures(shape):
    """Frames (T, H, W, 3) that differ, smooth enough for a video encoder."""
    t, y, x = np.mgrid[: shape[0], : shape[1], : shape[2]]
    return np.stack([20 * t + 3 * y, 5 * x + 10 * t, 100 + x + y], axis=-1).astype(np.uint8)


def scene():
    video = np.zeros((4, 37, 51), np.uint8)
    video[0, 3:20, 4:30] = 1
    video[0, 8:12, 8:14] = 0  # a hole
    video[0, 9:11, 10:12] = 3  # with an object in it
    video[0, 15, 20] = 0
    video[0, 20:30, 4:30] = 2  # touches object 1
    video[0, 35, 50] = 2  # a lone pixel in the corner
    video[2] = 1
    video[3, np.arange(30), np.arange(30) + 5] = 3  # a diagonal
    video[3, 5:9, 40:] = 2
    return video


def label_videos(most=4):
    """Strategy: label maps (T, H, W) with labels 0..most."""
    shapes = st.tuples(st.integers(1, 3), st.integers(1, 13), st.integers(1, 13))
    return shapes.flatmap(lambda shape: hnp.arrays(np.uint8, shape, elements=st.integers(0, most)))
