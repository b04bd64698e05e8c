"""Stored propagations and what fusion is trained on: two of them for one frame.

Source: docs/specification/mivos.md section 5.3.

A run lies below a folder as video / reference frame / object / frame.png, one byte per pixel: the probability
times 255, cut off.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from civos_siaf.data.colour import Jitter
from civos_siaf.data.samples import TrainingItem
from civos_siaf.data.warp import crop_resize, warp_image, warp_labels
from civos_siaf.masks import VOID

ATTEMPTS, SAME_VIDEO, PICKY = 20, 5, 15
"""Draws of a sample; of these from the same video; and such that insist on a difference."""
DIFFERENT, MIN_DIFFERENCE = 0.1, 100


class AnnotatedVideos(Protocol):
    """Videos whose frames are annotated, such as `FolderVideos`."""

    names: list[str]

    def annotated(self, index: int) -> list[str]:
        """Names of the annotated frames, in order."""

    def read(self, index: int, stem: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Image (H, W, 3) and labels (H, W) of an annotated frame."""


class _Choice(NamedTuple):
    """One sample: frames by name, objects by number."""

    run: Path
    video: int
    first: str
    second: str
    target: str
    objects: tuple[int, ...]


class FusionItems:
    """Draws items for `FusionTask`; see `TrainingData`.

    An item holds `image` and `reference` (3, S, S) in [0, 1], the target frame and the second reference;
    `previous` and `current` (2, S, S), what was spread to the target from the first and the second reference;
    `reference_masks` and `old` (2, S, S), on the second reference the truth and what came from the first;
    `labels` (S, S) of 0..2 and 255; `num_objects` (1 or 2); `distances` (2,): n_c and n_r, which exceed 1
    where the target is not between the references.

    Args:
        videos: images and annotations.
        root: folder of the runs.
        runs: their names; each with a folder per video.
        size: S, side of the crop.
        jitter: changes of colour, for each image by itself.
        flip: probability of a mirror image.

    Raises:
        FileNotFoundError: a run is missing.
        ValueError: no video has two references in any run.
    """

    def __init__(
        self,
        videos: AnnotatedVideos,
        root: Path | str,
        runs: Sequence[str],
        *,
        size: int = 384,
        jitter: Jitter | None = None,
        flip: float = 0.5,
    ) -> None:
        self.videos = videos
        self.size, self.flip = size, flip
        self.jitter = jitter or Jitter(brightness=0.1, contrast=0.03, saturation=0.03, hue=0.01)
        self._usable = []
        for run in runs:
            folder = Path(root) / run
            if not folder.is_dir():
                raise FileNotFoundError(
                    f"no run of propagations at {folder}; scripts/make_fusion_data.py makes it"
                )
            for index, name in enumerate(videos.names):
                if len(references(folder / name)) > 1:
                    self._usable.append((folder, index))
        if not self._usable:
            raise ValueError(f"{root}: no video with two references in runs {', '.join(runs)}")

    def item(self, index: int, rng: np.random.Generator, *, step: int) -> TrainingItem:
        """Item number `index` (0, 1, ... without end)."""
        pair = self._usable[int(rng.integers(len(self._usable)))]
        item: TrainingItem | None = None
        for attempt in range(ATTEMPTS):
            if attempt >= SAME_VIDEO:
                pair = self._usable[int(rng.integers(len(self._usable)))]
            choice = self._choose(*pair, rng)
            if choice is None:
                continue
            item = self._read(choice, rng)
            gap = (item["previous"] - item["current"]).abs()[: int(item["num_objects"])]
            if attempt >= PICKY or int((gap > DIFFERENT).sum()) >= MIN_DIFFERENCE:
                return item
        if item is None:
            raise ValueError(
                f"{ATTEMPTS} draws found no frame that two references reach; the last in {pair[0]}"
            )
        return item

    def _choose(self, run: Path, video: int, rng: np.random.Generator) -> _Choice | None:
        """References, target and objects; None: this first reference shares no object with another."""
        folder = run / self.videos.names[video]
        firsts = references(folder)
        first = firsts[int(rng.integers(len(firsts)))]
        objects = sorted(reached(folder / first))
        if not objects:
            return None
        chosen = objects[int(rng.integers(len(objects)))]
        frames = sorted(reached(folder / first)[chosen])
        if not frames:
            return None
        target = frames[int(rng.integers(len(frames)))]

        def valid(number: int, second: str) -> bool:
            ours = reached(folder / first).get(number, frozenset())
            theirs = reached(folder / second).get(number, frozenset())
            return target in ours and target in theirs and second in ours

        seconds = [name for name in firsts if name != first and valid(chosen, name)]
        if not seconds:
            return None
        second = seconds[int(rng.integers(len(seconds)))]
        more = [number for number in objects if number != chosen and valid(number, second)]
        extra = (more[int(rng.integers(len(more)))],) if more else ()
        return _Choice(run, video, first, second, target, (chosen, *extra))

    def _read(self, choice: _Choice, rng: np.random.Generator) -> TrainingItem:
        image, labels = self.videos.read(choice.video, choice.target)
        reference, truth = self.videos.read(choice.video, choice.second)
        size = (self.size, self.size)
        height, width = labels.shape
        top, left = (int(rng.integers(max(side - self.size, 0) + 1)) for side in (height, width))
        mirror = bool(rng.random() < self.flip)
        matrix = crop_resize(left, top, size, size, mirror=mirror)
        images = [self.jitter.draw(rng)(warp_image(x, matrix, size)) for x in (image, reference)]
        folder = choice.run / self.videos.names[choice.video]

        def planes(source: str, frame: str) -> torch.Tensor:
            out = np.zeros((2, *size), np.float32)
            for place, number in zip(out, choice.objects, strict=False):
                stored = read_probability(folder / source / str(number) / f"{frame}.png", labels.shape)
                place[:] = warp_labels(stored, matrix, size).astype(np.float32) / 255
            return torch.from_numpy(out)

        masks = np.zeros((2, *size), np.float32)
        warped = warp_labels(truth, matrix, size)
        for place, number in zip(masks, choice.objects, strict=False):
            place[:] = warped == number
        return {
            "image": _tensor(images[0]),
            "reference": _tensor(images[1]),
            "previous": planes(choice.first, choice.target),
            "current": planes(choice.second, choice.target),
            "old": planes(choice.first, choice.second),
            "reference_masks": torch.from_numpy(masks),
            "labels": _renumbered(warp_labels(labels, matrix, size), choice.objects),
            "num_objects": torch.tensor(len(choice.objects)),
            "distances": self._distances(choice),
        }

    def _distances(self, choice: _Choice) -> torch.Tensor:
        stems = self.videos.annotated(choice.video)
        first, second, target = (stems.index(x) for x in (choice.first, choice.second, choice.target))
        length = abs(first - second)
        return torch.tensor([abs(first - target) / length, abs(second - target) / length])


@lru_cache(maxsize=4096)
def references(folder: Path) -> tuple[str, ...]:
    """Names of the finished reference frames of a video's folder, in order."""
    if not folder.is_dir():
        return ()
    return tuple(sorted(x.name for x in folder.iterdir() if x.is_dir() and not x.name.startswith(".")))


@lru_cache(maxsize=4096)
def reached(reference: Path) -> dict[int, frozenset[str]]:
    """For each object of a reference the frames to which it was spread."""
    return {
        int(folder.name): frozenset(path.stem for path in folder.glob("*.png"))
        for folder in reference.iterdir()
        if folder.is_dir()
    }


def read_probability(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A stored probability (H, W), 0..255.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not an image of one byte per pixel and of this size.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no stored propagation {path}")
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.dtype != np.uint8 or stored.shape != shape:
        found = None if stored is None else (stored.dtype, stored.shape)
        raise ValueError(f"{path}: expected one byte per pixel, size {shape} (H, W), got {found}")
    return np.asarray(stored, dtype=np.uint8)


def _tensor(image: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float() / 255


def _renumbered(labels: NDArray[np.uint8], objects: Sequence[int]) -> torch.Tensor:
    """Labels with these objects as 1, 2; others are background, unknown pixels stay."""
    table = np.zeros(256, np.int64)
    table[VOID] = VOID
    for new, number in enumerate(objects, 1):
        table[number] = new
    return torch.from_numpy(table[labels])
