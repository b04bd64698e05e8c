"""The video with its objects tinted in their colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from civos_siaf.app.exports.annotated_video import AnnotatedVideo, read_labels
from civos_siaf.app.exports.options import option
from civos_siaf.masks import davis_palette
from civos_siaf.protocol import Progress
from civos_siaf.video.frames import Rgb
from civos_siaf.video.overlay import overlay
from civos_siaf.video.writer import write_video


@dataclass(frozen=True)
class Overlay:
    """An H.264 MP4 that browsers play, with the times, the pixel aspect and the sound of the video."""

    id: ClassVar[str] = "overlay"
    title: ClassVar[str] = "Overlay: MP4"
    suffix: ClassVar[str] = ".mp4"

    opacity: float = option(0.5, "of the tint", least=0, most=1)
    quality: int = option(20, "rate factor; lower is better and larger", least=0, most=51)

    def write(self, annotation: AnnotatedVideo, target: Path, progress: Progress) -> None:
        """Write the file `target`."""
        colours, frames = colour_table(annotation), annotation.frames

        def pictures() -> Iterator[Rgb]:
            for t in range(len(frames)):
                labels = read_labels(annotation, t)
                yield overlay(frames[t], labels, opacity=self.opacity, colours=colours)
                progress(t + 1, len(frames))

        write_video(target, pictures(), quality=self.quality, like=frames, sound=True)


def colour_table(annotation: AnnotatedVideo) -> NDArray[np.uint8]:
    """RGB by label, (256, 3) uint8: the objects' colours, DAVIS's where one is not of the form #rrggbb."""
    colours = davis_palette()
    for item in annotation.objects:
        if re.fullmatch("#[0-9a-fA-F]{6}", item.colour):
            colours[item.id] = list(bytes.fromhex(item.colour[1:]))
    return colours
