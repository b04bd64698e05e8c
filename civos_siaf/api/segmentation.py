"""A whole video segmented from prompts, and the result on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from civos_siaf.masks import VOID, write_png
from civos_siaf.prompts import Click, Prompt, Prompts
from civos_siaf.propagation.label_store import LazyLabels
from civos_siaf.protocol import LabelVideo, Method, Progress, no_progress
from civos_siaf.video.frames import Frames, Rgb
from civos_siaf.video.overlay import draw_prompts, overlay
from civos_siaf.video.writer import write_video


def clicks_from_numbers(
    rows: Sequence[float] | Sequence[Sequence[float]], *, positive: bool = True
) -> tuple[Click, ...]:
    """Clicks from rows `frame, x, y` or `frame, x, y, object`; one row alone need not be in a list.

    Raises:
        ValueError: a row of another length.

    >>> clicks_from_numbers([0, 120, 80])
    (Click(frame=0, object_id=1, x=120.0, y=80.0, positive=True),)
    """
    nested: list[Sequence[float]] = [row for row in rows if isinstance(row, Sequence)]
    if len(nested) != len(rows):
        nested = [[value for value in rows if not isinstance(value, Sequence) or isinstance(value, str)]]
    clicks = []
    for row in nested:
        numbers = all(isinstance(value, (int, float)) for value in row)
        if not numbers or len(row) not in (3, 4) or not float(row[0]).is_integer():
            raise ValueError(f"a click is frame, x, y or frame, x, y, object; got {list(row)}")
        object_id = int(row[3]) if len(row) == 4 else 1
        clicks.append(Click(int(row[0]), object_id, x=float(row[1]), y=float(row[2]), positive=positive))
    return tuple(clicks)


@dataclass(frozen=True)
class Segmentation:
    """A video with a label on every pixel of every frame.

    Attributes:
        frames: the video.
        labels: (T, H, W) uint8, 0 background, 1..K objects; that of a long video is decoded as it is read.
        prompts: from which it was made.
    """

    frames: Frames
    labels: LabelVideo
    prompts: Prompts

    def save(self, folder: Path | str, *, opacity: float = 0.5, progress: Progress = no_progress) -> Path:
        """Write palette PNGs below `folder/masks` and `folder/overlay.mp4`; the path of the overlay."""
        return write_result(
            folder, self.frames, self.labels, prompts=self.prompts, opacity=opacity, progress=progress
        )


def segment(
    video: Path | str | NDArray[np.uint8] | Frames,
    prompts: Prompts | Sequence[Prompt],
    *,
    method: str | Method = "siaf_light",
    device: str = "auto",
    progress: Progress = no_progress,
) -> Segmentation:
    """Segment a whole video from prompts on some of its frames, in one round.

    The method is asked for as many objects as have prompts, whatever their numbers: object 200 alone is one.

    Args:
        video: a video file, a folder of images, an array (T, H, W, 3) of RGB, or `Frames`; "sample" is a clip
            to try, which is drawn on first use.
        prompts: on any of its frames, for objects of any numbers from 1 to 254.
        method: a name of `list_methods()`, or any object with the calls of `civos_siaf.Method`.
        device: of the networks, if `method` is a name; auto: the first GPU if there is one.
        progress: called with (frames done, frames in all).

    Raises:
        ValueError: no prompt, one outside the video, or of a kind that the method does not take.
        FileNotFoundError: no such video, or a weight file of the method is missing.

    >>> import numpy as np
    >>> import civos_siaf as cs
    >>> clip = np.full((4, 64, 96, 3), 40, np.uint8)
    >>> clip[:, 16:48, 20:60] = 200  # a bright rectangle
    >>> result = cs.segment(clip, [cs.Click(0, 1, x=40, y=32)], method="nearest_colour")
    >>> result.labels.shape, int(result.labels[3, 32, 40])
    ((4, 64, 96), 1)
    """
    frames = video if isinstance(video, Frames) else Frames.open(_with_sample(video))
    prompts = prompts if isinstance(prompts, Prompts) else Prompts(tuple(prompts))
    if not len(prompts):
        raise ValueError("nothing to segment: there is no prompt")
    highest = max(prompts.object_ids)
    if highest >= VOID:
        raise ValueError(f"objects are 1..{VOID - 1}, got {highest}")
    prompts.check(num_frames=len(frames), height=frames.height, width=frames.width, num_objects=highest)
    numbers = [number for number in prompts.object_ids if number > 0]
    if not numbers:
        raise ValueError("nothing to segment: all prompts are of the background")
    place = {number: new for new, number in enumerate(numbers, 1)}
    items = (replace(item, object_id=place.get(item.object_id, 0)) for item in prompts.items)
    if isinstance(method, str):
        from civos_siaf.api.methods import load_method  # loads torch, which mistakes need not wait for

        system = load_method(method, device=device)
    else:
        system = method
    session = system.open(frames, num_objects=len(numbers))
    session.interact(Prompts(tuple(items)))
    labels = session.propagate(progress)
    if highest != len(numbers):
        labels = _with_numbers(labels, numbers)
    return Segmentation(frames, labels, prompts)


def _with_sample(video: Path | str | NDArray[np.uint8]) -> Path | str | NDArray[np.uint8]:
    """The video, or the clip to try where it says "sample"."""
    if not isinstance(video, str) or video != "sample":
        return video
    from civos_siaf.data.shapes.sample import video_or_sample  # takes long to load

    return video_or_sample(video)


def _with_numbers(labels: LabelVideo, numbers: Sequence[int]) -> LabelVideo:
    """Labels whose objects 1..K have these numbers, made frame by frame."""
    table = np.array([0, *numbers], dtype=np.uint8)
    size = (int(labels.shape[1]), int(labels.shape[2]))
    return cast("LabelVideo", LazyLabels(range(len(labels)), size, lambda t: table[labels[t]]))


def write_result(
    folder: Path | str,
    frames: Frames,
    labels: LabelVideo,
    *,
    prompts: Prompts | None = None,
    opacity: float = 0.5,
    progress: Progress = no_progress,
) -> Path:
    """Write palette PNGs below `masks/` and `overlay.mp4`; each file appears whole or not at all.

    Args:
        folder: made if it does not exist.
        frames: the video.
        labels: (T, H, W) uint8.
        prompts: drawn into the overlay.
        opacity: of the tint.
        progress: told of the frames done.

    Returns:
        The path of the overlay.
    """
    folder = Path(folder)

    def pictures() -> Iterator[Rgb]:
        for t in range(len(frames)):
            write_png(folder / "masks" / f"{frames.name(t)}.png", labels[t])
            picture = overlay(frames[t], labels[t], opacity=opacity)
            if prompts is not None:
                draw_prompts(picture, prompts.on(t))
            yield picture
            progress(t + 1, len(frames))

    path = folder / "overlay.mp4"
    write_video(path, pictures(), like=frames, sound=True)
    return path
