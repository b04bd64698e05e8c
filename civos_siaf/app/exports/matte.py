"""The alpha of the objects: white on black as MP4, or frames cut out as PNG with alpha."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from civos_siaf.app.exports.annotated_video import AnnotatedVideo, read_labels
from civos_siaf.app.exports.names import frame_names, write_name_table
from civos_siaf.app.exports.options import option
from civos_siaf.protocol import Progress
from civos_siaf.runtime.files import atomic_folder
from civos_siaf.video.frames import Rgb
from civos_siaf.video.writer import write_video

PNG_COMPRESSION = 3


@dataclass(frozen=True)
class Matte:
    """`kind` "mp4": a grey H.264 video, 255 on the object. "png": a folder of RGBA frames, alpha exact."""

    id: ClassVar[str] = "matte"
    title: ClassVar[str] = "Alpha matte: MP4 or PNG"

    kind: str = option("mp4", "grey video, or PNG with alpha", choices=("mp4", "png"))
    object: int = option(0, "number of one object; 0: all together", least=0, most=254)
    quality: int = option(12, "rate factor of the MP4; lower is better and larger", least=0, most=51)

    @property
    def suffix(self) -> str:
        """Of the result; empty for a folder."""
        return ".mp4" if self.kind == "mp4" else ""

    def write(self, annotation: AnnotatedVideo, target: Path, progress: Progress) -> None:
        """Write the file or folder `target`.

        Raises:
            ValueError: there is no such object.
        """
        if self.object and self.object not in {item.id for item in annotation.objects}:
            raise ValueError(f"matte: there is no object {self.object}")
        if self.kind == "mp4":
            pictures = self._greys(annotation, progress)
            write_video(target, pictures, quality=self.quality, like=annotation.frames)
            return
        names = frame_names(annotation)
        with atomic_folder(target) as folder:
            for t, name in enumerate(names):
                alpha = self._alpha(annotation, t)
                image = Image.fromarray(np.concatenate([annotation.frames[t], alpha[..., None]], axis=2))
                image.save(folder / f"{name}.png", compress_level=PNG_COMPRESSION)
                progress(t + 1, len(names))
            write_name_table(annotation, folder)

    def _greys(self, annotation: AnnotatedVideo, progress: Progress) -> Iterator[Rgb]:
        for t in range(len(annotation.frames)):
            yield np.repeat(self._alpha(annotation, t)[..., None], 3, axis=2)
            progress(t + 1, len(annotation.frames))

    def _alpha(self, annotation: AnnotatedVideo, frame: int) -> NDArray[np.uint8]:
        labels = read_labels(annotation, frame)
        mask = labels == self.object if self.object else labels > 0
        return np.asarray(mask * np.uint8(255), dtype=np.uint8)
