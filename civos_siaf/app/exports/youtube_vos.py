"""The layout of YouTube-VOS: JPEG frames, palette PNGs at every n-th frame, meta.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from civos_siaf.app.exports.annotated_video import AnnotatedVideo, chosen_frames, masks_of, read_labels
from civos_siaf.app.exports.davis import write_jpeg
from civos_siaf.app.exports.names import frame_names, object_name, video_name, write_name_table
from civos_siaf.app.exports.options import frames_option, option
from civos_siaf.masks import palette_image
from civos_siaf.protocol import Progress
from civos_siaf.runtime.files import atomic_folder, write_text


@dataclass(frozen=True)
class YoutubeVos:
    """`JPEGImages/<video>/`, `Annotations/<video>/`, and `meta.json`: category and frames of every object."""

    id: ClassVar[str] = "youtube_vos"
    title: ClassVar[str] = "YouTube-VOS: JPEG, palette PNG, meta.json"
    suffix: ClassVar[str] = ""

    frames: str = frames_option()
    every: int = option(5, "masks at every n-th frame", least=1)
    images: bool = option(True, "write the frames as JPEG")

    def write(self, annotation: AnnotatedVideo, target: Path, progress: Progress) -> None:
        """Write the folder `target`."""
        video, names = video_name(annotation), frame_names(annotation)
        chosen = frozenset(chosen_frames(annotation, self.frames, every=self.every))
        objects = {item.id: (object_name(item), list[str]()) for item in annotation.objects}
        with atomic_folder(target) as folder:
            masks = folder / "Annotations" / video
            masks.mkdir(parents=True)
            for t, name in enumerate(names):
                if self.images:
                    write_jpeg(annotation, t, folder / "JPEGImages" / video / f"{name}.jpg")
                if t in chosen:
                    labels = read_labels(annotation, t)
                    palette_image(labels).save(masks / f"{name}.png")
                    for item, _ in masks_of(annotation, labels):
                        objects[item.id][1].append(name)
                progress(t + 1, len(names))
            entries = {
                str(number): {"category": category, "frames": frames}
                for number, (category, frames) in sorted(objects.items())
            }
            meta = {"videos": {video: {"objects": entries}}}
            write_text(folder / "meta.json", json.dumps(meta, indent=1) + "\n")
            write_name_table(annotation, folder)
