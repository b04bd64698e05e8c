"""Label Studio: tasks with brush masks in its bit-packed run lengths.

The packing, most significant bit first: the number of values (32 bits), the bits of a value less one (5), the
bits of a length less one in four sizes (4 each). Then runs: a bit that says whether one value repeats (1) or
differing values follow (0), which of the four sizes the length has (2), the length less one, and the value.
The values are the pixels row by row, each four times, as red, green, blue and alpha; readers look at alpha.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from civos_siaf.app.exports.annotated_video import AnnotatedVideo, chosen_frames, masks_of, read_labels
from civos_siaf.app.exports.davis import write_jpeg
from civos_siaf.app.exports.names import frame_names, object_name, video_name, write_name_table, xml_attribute
from civos_siaf.app.exports.options import frames_option, option
from civos_siaf.protocol import Progress
from civos_siaf.runtime.files import atomic_folder, write_text

RGBA_CHANNELS = 4
VALUE_BITS = 8
LENGTH_BITS = (3, 4, 8, 16)


@dataclass(frozen=True)
class LabelStudio:
    """`tasks.json` with a task per frame, and `label_config.xml` to set the project up with.

    A region has the object's name as label and `object N` as its text. The address of a frame is
    `image_prefix` and `<video>/<frame>.jpg`.
    """

    id: ClassVar[str] = "label_studio"
    title: ClassVar[str] = "Label Studio: brush masks"
    suffix: ClassVar[str] = ""

    frames: str = frames_option()
    every: int = option(1, "every n-th frame", least=1)
    images: bool = option(False, "write the frames as JPEG, too")
    image_prefix: str = option("/data/local-files/?d=", "what stands before <video>/<frame>.jpg")
    kind: str = option("annotations", "finished, or to be checked", choices=("annotations", "predictions"))

    def write(self, annotation: AnnotatedVideo, target: Path, progress: Progress) -> None:
        """Write the folder `target`."""
        video, names = video_name(annotation), frame_names(annotation)
        chosen = chosen_frames(annotation, self.frames, every=self.every)
        with atomic_folder(target) as folder:
            with (folder / "tasks.json").open("w", encoding="ascii") as file:
                file.write("[")
                for done, t in enumerate(chosen, 1):
                    task = self._task(annotation, t, f"{video}/{names[t]}.jpg")
                    file.write((",\n" if done > 1 else "\n") + json.dumps(task))
                    if self.images:
                        write_jpeg(annotation, t, folder / "images" / video / f"{names[t]}.jpg")
                    progress(done, len(chosen))
                file.write("\n]\n")
            write_text(folder / "label_config.xml", label_config(annotation))
            write_name_table(annotation, folder)

    def _task(self, annotation: AnnotatedVideo, frame: int, image: str) -> dict[str, Any]:
        labels = read_labels(annotation, frame)
        regions = [
            {
                "id": f"frame{frame}_object{item.id}",
                "type": "brushlabels",
                "from_name": "label",
                "to_name": "image",
                "original_width": labels.shape[1],
                "original_height": labels.shape[0],
                "image_rotation": 0,
                "value": {"format": "rle", "rle": brush_rle(mask), "brushlabels": [object_name(item)]},
                "meta": {"text": [f"object {item.id}"]},
            }
            for item, mask in masks_of(annotation, labels)
        ]
        data = {"image": self.image_prefix + quote(image), "video": annotation.name, "frame": frame}
        return {"data": data, self.kind: [{"result": regions}]}


def label_config(annotation: AnnotatedVideo) -> str:
    """The labelling set-up: an image and a brush for every name."""
    colours: dict[str, str] = {}
    for item in sorted(annotation.objects, key=lambda item: item.id):
        colours.setdefault(object_name(item), item.colour)
    brushes = "".join(
        f"    <Label value={xml_attribute(name)} background={xml_attribute(colour)}/>\n"
        for name, colour in colours.items()
    )
    return (
        '<View>\n  <Image name="image" value="$image" zoom="true"/>\n'
        f'  <BrushLabels name="label" toName="image">\n{brushes}  </BrushLabels>\n</View>\n'
    )


def brush_rle(mask: NDArray[np.bool_]) -> list[int]:
    """A mask (H, W) as the bytes of the packing that this module describes."""
    flat = mask.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    lengths, values = _short_runs(np.diff(np.append(starts, len(flat))) * RGBA_CHANNELS, flat[starts])
    size = np.searchsorted(2 ** np.array(LENGTH_BITS), lengths)
    bits = np.array(LENGTH_BITS)[size]
    codes = (((4 + size) << bits | (lengths - 1)) << VALUE_BITS) | (values * 255)
    widths = 1 + 2 + bits + VALUE_BITS
    head = len(flat) * RGBA_CHANNELS << 5 | (VALUE_BITS - 1)
    for length in LENGTH_BITS:
        head = head << 4 | (length - 1)
    head_bits = np.array([int(bit) for bit in f"{head:0{32 + 5 + 16}b}"], dtype=np.uint8)
    places = np.arange(int(widths.max()))[::-1]
    table = (codes[:, None] >> places) & 1
    body = table[places < widths[:, None]].astype(np.uint8)
    return np.packbits(np.concatenate([head_bits, body])).tolist()  # type: ignore[no-any-return]


def _short_runs(
    lengths: NDArray[np.int64], values: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Runs cut so that none is longer than the largest size can say."""
    most = 2 ** max(LENGTH_BITS)
    pieces = -(-lengths // most)
    cut = np.full(int(pieces.sum()), most, dtype=np.int64)
    cut[np.cumsum(pieces) - 1] = lengths - (pieces - 1) * most
    return cut, np.repeat(values, pieces).astype(np.int64)
