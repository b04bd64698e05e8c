"""Palette PNGs in the layout of DAVIS 2017, which `DavisDataset` opens as it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from PIL import Image

from civos_siaf.app.exports.annotated_video import AnnotatedVideo, chosen_frames, read_labels
from civos_siaf.app.exports.names import frame_names, video_name, write_name_table
from civos_siaf.app.exports.options import frames_option, option
from civos_siaf.masks import palette_image
from civos_siaf.protocol import Progress
from civos_siaf.runtime.files import atomic_folder, write_text

JPEG_QUALITY = 95


@dataclass(frozen=True)
class Davis:
    """`Annotations/480p/<video>/<frame>.png`, and the list `ImageSets/2017/val.txt`."""

    id: ClassVar[str] = "davis"
    title: ClassVar[str] = "DAVIS: palette PNG"
    suffix: ClassVar[str] = ""

    frames: str = frames_option(None)
    images: bool = option(False, "write the frames as JPEG, too")

    def write(self, annotation: AnnotatedVideo, target: Path, progress: Progress) -> None:
        """Write the folder `target`."""
        video, names = video_name(annotation), frame_names(annotation)
        chosen = chosen_frames(annotation, self.frames)
        with atomic_folder(target) as folder:
            masks = folder / "Annotations" / "480p" / video
            masks.mkdir(parents=True)
            for done, t in enumerate(chosen, 1):
                palette_image(read_labels(annotation, t)).save(masks / f"{names[t]}.png")
                if self.images:
                    write_jpeg(annotation, t, folder / "JPEGImages" / "480p" / video / f"{names[t]}.jpg")
                progress(done, len(chosen))
            write_text(folder / "ImageSets" / "2017" / "val.txt", f"{video}\n")
            write_name_table(annotation, folder)


def write_jpeg(annotation: AnnotatedVideo, frame: int, path: Path) -> None:
    """Write one frame as JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(annotation.frames[frame]).save(path, quality=JPEG_QUALITY)
