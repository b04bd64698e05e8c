"""Data sets in the DAVIS layout (docs/specification/davis-interactive.md section 1)."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from civos_siaf.benchmark import scribbles as davis_scribbles
from civos_siaf.benchmark.metrics import object_ids
from civos_siaf.benchmark.robot import ScribbleRobot
from civos_siaf.benchmark.scribbles import Scribbles, from_strokes
from civos_siaf.benchmark.table import SequenceInfo, read_table
from civos_siaf.masks import is_smoothed, read_png
from civos_siaf.runtime.text_files import read_names
from civos_siaf.video.frames import Frames
from civos_siaf.video.image_files import MASK_SUFFIXES, by_stem, image_files, in_order, natural_key


def first_frame(truth: NDArray[np.uint8], num_objects: int, part: tuple[int, int] = (0, 1)) -> int:
    """The frame to begin with: most objects, then most of their pixels, then the lowest index.

    Args:
        truth: labels (T, H, W).
        num_objects: K.
        part: (i, n): look only at the i-th of n equal stretches of the video, so that several first
            scribbles stand on different frames.
    """
    index, parts = part
    start = index * len(truth) // parts
    stop = max((index + 1) * len(truth) // parts, start + 1)
    best = (-1, -1)
    frame = start
    for t in range(start, min(stop, len(truth))):
        pixels = np.bincount(truth[t].ravel(), minlength=num_objects + 1)[1 : num_objects + 1]
        rank = int(np.count_nonzero(pixels)), int(pixels.sum())
        if rank > best:
            best, frame = rank, t
    return frame


def draw_first_scribbles(
    truth: NDArray[np.uint8],
    *,
    sequence: str,
    num_objects: int,
    part: tuple[int, int],
    robot: ScribbleRobot,
) -> Scribbles:
    """Scribbles on one frame as if nothing had been found there; the same for every run."""
    frame = first_frame(truth, num_objects, part)
    strokes = robot.draw(truth[frame], np.zeros_like(truth[frame]), num_objects)
    return from_strokes({frame: strokes}, sequence=sequence, num_frames=len(truth), times=(0.0, 0.0))


KEPT_ANNOTATIONS = 2


log = logging.getLogger(__name__)


def mini_root() -> Path:
    """The small data set inside the package: 2 synthetic sequences of 6 frames, 2 objects each."""
    return Path(__file__).parent / "mini" / "DAVIS"


class DavisDataset:
    """Sequences, annotations and first scribbles below a root in the DAVIS layout.

    Args:
        root: folder with JPEGImages, Annotations and (optional) Scribbles; None: the small set inside the
            package.
        split: a name in `ImageSets/<year>/` (train, val, ...; trainval: train, then val).
        sequences: names, instead of a split.
        year: 2017: a pixel's value is the object's number; 2016: every value but 0 is the one object.
        resolution: folder below JPEGImages and Annotations.
        table: facts of the sequences that override the files: "davis2017" (the published table), a CSV file
            with the columns sequence, frames, objects, width, height, or a mapping.
        num_first_scribbles: how many first scribbles the robot draws where there are no files.
        robot: draws them.
        note: what a reader of the scores should know about the data; printed with them.

    Raises:
        FileNotFoundError: the root, the split's list, or a sequence's folder is missing.
        ValueError: an unknown option, or an empty list.
    """

    def __init__(
        self,
        root: Path | str | None = None,
        *,
        split: str = "val",
        sequences: Sequence[str] | None = None,
        year: int = 2017,
        resolution: str = "480p",
        table: str | Path | Mapping[str, SequenceInfo] | None = None,
        num_first_scribbles: int = 1,
        robot: ScribbleRobot | None = None,
        note: str | None = None,
    ) -> None:
        if year not in (2016, 2017):
            raise ValueError(f"year must be 2016 or 2017, got {year}")
        if num_first_scribbles < 1:
            raise ValueError(f"num_first_scribbles must be 1 or more, got {num_first_scribbles}")
        self.root = mini_root() if root is None else Path(root)
        if not self.root.is_dir():
            raise FileNotFoundError(
                f"no data set at {self.root}: expected JPEGImages, Annotations, ImageSets"
            )
        self.year = year
        self.note = note
        self.resolution = resolution
        self.split = split if sequences is None else "list"
        self.sequences = self._read_split(split) if sequences is None else list(sequences)
        self._num_first = num_first_scribbles
        self._robot = robot or ScribbleRobot()
        self._table = read_table(table)
        self._infos: dict[str, SequenceInfo] = {}
        self._numbers: dict[str, tuple[int, ...]] = {}
        self._annotations: OrderedDict[str, NDArray[np.uint8]] = OrderedDict()
        for name in self.sequences:
            self._check_layout(name)

    @property
    def is_embedded(self) -> bool:
        """Whether this is the small set inside the package."""
        return self.root == mini_root()

    def info(self, sequence: str) -> SequenceInfo:
        """Frames, objects, size and scribble sets: from the table, else from the files."""
        if sequence not in self._infos:
            files = len(self._scribble_files(sequence)) or self._num_first
            if sequence in self._table:
                self._infos[sequence] = self._table[sequence].with_scribble_sets(files)
            else:
                labels = self.annotations(sequence)
                objects = len(object_ids(labels))
                if objects == 0:
                    raise ValueError(f"{self._folder('Annotations', sequence)}: no object in any frame")
                num_frames, height, width = labels.shape
                self._infos[sequence] = SequenceInfo(sequence, num_frames, height, width, objects, files)
        return self._infos[sequence]

    def annotations(self, sequence: str) -> NDArray[np.uint8]:
        """The truth (T, H, W) uint8, read-only; objects are 1..K, see `object_numbers`.

        Raises:
            ValueError: a file that is damaged, of another size, or not as many as the table says.
        """
        if sequence in self._annotations:
            self._annotations.move_to_end(sequence)
            return self._annotations[sequence]
        labels = self._read_annotations(sequence)
        labels.flags.writeable = False
        self._annotations[sequence] = labels
        if len(self._annotations) > KEPT_ANNOTATIONS:
            self._annotations.popitem(last=False)
        return labels

    def object_numbers(self, sequence: str) -> tuple[int, ...]:
        """The numbers of objects 1..K in the files; where one never occurs, those after it move up."""
        if sequence not in self._numbers:
            self.annotations(sequence)
        return self._numbers[sequence]

    def frames(self, sequence: str) -> Frames:
        """The images of a sequence."""
        return Frames.open(self._folder("JPEGImages", sequence))

    def first_scribbles(self, sequence: str, number: int) -> Scribbles:
        """Scribble file `number` (from 1), or what the robot draws on the truth where there are no files."""
        files = self._scribble_files(sequence)
        if files:
            if not 1 <= number <= len(files):
                raise ValueError(f"{sequence}: has scribble files 1..{len(files)}, not {number}")
            num_frames = self.info(sequence).num_frames
            found = davis_scribbles.load(files[number - 1], sequence=sequence, num_frames=num_frames)
            numbers = self.object_numbers(sequence)
            return (
                found if _in_a_row(numbers) else davis_scribbles.renumbered(found, numbers, files[number - 1])
            )
        return draw_first_scribbles(
            self.annotations(sequence),
            sequence=sequence,
            num_objects=self.info(sequence).num_objects,
            part=(number - 1, self._num_first),
            robot=self._robot,
        )

    def has_scribble_files(self, sequence: str) -> bool:
        """Whether people's scribbles exist; otherwise the robot draws the first ones."""
        return bool(self._scribble_files(sequence))

    def _read_annotations(self, sequence: str) -> NDArray[np.uint8]:
        paths = image_files(self._folder("Annotations", sequence), MASK_SUFFIXES)
        maps = [read_png(path) for path in paths]
        size = maps[0].shape
        if sequence in self._table:
            size = self._table[sequence].height, self._table[sequence].width
            if len(maps) != self._table[sequence].num_frames:
                raise ValueError(
                    f"{paths[0].parent}: {len(maps)} masks, "
                    f"the table says {self._table[sequence].num_frames} frames"
                )
        for path, labels in zip(paths, maps, strict=True):
            if labels.shape != size:
                raise ValueError(f"{path}: size {labels.shape}, expected {size} (H, W)")
        stack = np.stack(maps)
        smoothed = is_smoothed(np.bincount(stack.ravel(), minlength=256))
        if self.year == 2016:
            self._numbers[sequence] = (1,)
            if smoothed:
                log.warning("%s: masks are smoothed; above 127 is the object", paths[0].parent)
            return (stack > (127 if smoothed else 0)).astype(np.uint8)
        if smoothed:
            raise ValueError(
                f"{paths[0].parent}: grey masks of one object, smoothed or resized; "
                "write the numbers of objects, or give year=2016, which takes what is above 127"
            )
        return self._without_gaps(sequence, stack)

    def _without_gaps(self, sequence: str, stack: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Labels 1..K; numbers that never occur are no objects: nothing found of them would score 1."""
        numbers = tuple(object_ids(stack))
        listed = self._table[sequence].num_objects if sequence in self._table else 0
        if _in_a_row(numbers) or (numbers and numbers[-1] <= listed):
            self._numbers[sequence] = tuple(range(1, (numbers or (0,))[-1] + 1))
            return stack
        self._numbers[sequence] = numbers
        log.warning("%s: objects %s count as 1 to %d", sequence, ", ".join(map(str, numbers)), len(numbers))
        table = np.arange(256, dtype=np.uint8)
        table[list(numbers)] = np.arange(1, len(numbers) + 1)
        return np.asarray(table[stack])

    def _read_split(self, split: str) -> list[str]:
        if split == "trainval":
            return self._read_split("train") + self._read_split("val")
        path = self.root / "ImageSets" / str(self.year) / f"{split}.txt"
        if not path.is_file():
            found = sorted(p.stem for p in path.parent.glob("*.txt"))
            raise FileNotFoundError(
                f"no split {split!r}: {path} is missing; there is {', '.join(found) or 'none'}"
            )
        return read_names(path)

    def _check_layout(self, sequence: str) -> None:
        images, masks = self._folder("JPEGImages", sequence), self._folder("Annotations", sequence)
        for folder in (images, masks):
            if not folder.is_dir():
                raise FileNotFoundError(f"sequence {sequence!r}: no folder {folder}")
        stems, labelled = set(by_stem(images)), set(by_stem(masks, MASK_SUFFIXES))
        if missing := in_order(stems - labelled):
            raise FileNotFoundError(f"no mask {masks / missing[0]}.png for frame {missing[0]}")
        if missing := in_order(labelled - stems):
            raise FileNotFoundError(f"no image {images / missing[0]}.jpg for mask {missing[0]}.png")
        if not stems:
            raise FileNotFoundError(f"sequence {sequence!r}: no images in {images}")

    def _scribble_files(self, sequence: str) -> list[Path]:
        found = (self.root / "Scribbles" / sequence).glob("[0-9]*.json")
        return sorted(found, key=lambda path: natural_key(path.stem))

    def _folder(self, kind: str, sequence: str) -> Path:
        return self.root / kind / self.resolution / sequence


def _in_a_row(numbers: tuple[int, ...]) -> bool:
    return numbers == tuple(range(1, len(numbers) + 1))
