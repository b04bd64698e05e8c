"""First scribbles of a whole data set by the robot, as the JSON files of DAVIS."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from civos_siaf.benchmark.dataset import draw_first_scribbles
from civos_siaf.benchmark.robot import ScribbleRobot
from civos_siaf.benchmark.scribbles import Scribbles
from civos_siaf.masks.label_maps import VOID
from civos_siaf.runtime.files import write_text


class AnnotatedVideos(Protocol):
    """Annotated videos in a folder, such as those of `civos_siaf.data.videos`."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the videos."""

    def annotated(self, index: int, /) -> Sequence[str]:
        """Names of the annotated frames of a video, in order."""

    def read(self, index: int, stem: str, /) -> tuple[NDArray[Any], NDArray[Any]]:
        """Image (H, W, 3) and labels (H, W) of a frame."""


def write_scribbles(
    videos: AnnotatedVideos, out: Path | str, *, count: int = 3, robot: ScribbleRobot | None = None
) -> Iterator[tuple[str, int]]:
    """Write `OUT/<video>/001.json` and so on, each with the strokes on one annotated frame.

    The frame of file i of n is the one with the most objects in the i-th of n equal stretches of the
    annotated frames. Frames are counted among the annotated ones. Files that are there stay as they are; a
    stretch without an object that is large enough to be drawn on has none.

    Args:
        videos: the data set.
        out: usually its folder `Scribbles`.
        count: files of each video; fewer where it has fewer annotated frames.
        robot: draws; None: that of DAVIS.

    Yields:
        Name of a video and the number of files written for it.

    Raises:
        ValueError: a count below 1, or a damaged file of the data set.
    """
    if count < 1:
        raise ValueError(f"count must be 1 or more, got {count}")
    robot = robot or ScribbleRobot()
    for index, name in enumerate(videos.names):
        stems = videos.annotated(index)
        parts = min(count, len(stems))
        paths = [Path(out) / name / f"{number:03d}.json" for number in range(1, parts + 1)]
        written = 0
        if not all(path.exists() for path in paths):
            truth = np.stack([videos.read(index, stem)[1] for stem in stems])
            objects = int(truth[truth < VOID].max(initial=0))
            for part, path in enumerate(paths):
                if objects and not path.exists():
                    drawn = draw_first_scribbles(
                        truth, sequence=name, num_objects=objects, part=(part, parts), robot=robot
                    )
                    if any(drawn["scribbles"]):  # the robot leaves out what is too small
                        _write(path, drawn)
                        written += 1
        yield name, written


def _write(path: Path, scribbles: Scribbles) -> None:
    write_text(path, json.dumps(scribbles) + "\n")
