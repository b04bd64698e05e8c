"""J and F of finished masks: folders of PNGs against folders of PNGs, by the conventions of DAVIS.

DAVIS 2017 scores every object by itself and means over objects; DAVIS 2016 takes every value but 0 as the one
object of a sequence. The semi-supervised evaluations leave the first and the last frame out, the interactive
one does not. In all of them a frame on which neither shows the object scores 1, and void pixels (255) of the
truth are background. The evaluators in use differ in what they do with missing frames and with object numbers
that never occur; here a missing frame is empty, and said, and only objects of the truth count.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from civos_siaf.benchmark.metrics import DEFAULT_BOUNDARY_TOLERANCE, f_measure, jaccard, object_ids
from civos_siaf.masks import VOID, is_smoothed, read_png
from civos_siaf.runtime.files import write_text
from civos_siaf.runtime.text_files import read_names
from civos_siaf.video.image_files import MASK_SUFFIXES, by_stem, in_order

Scored: TypeAlias = Literal["inner", "all"]
COLUMNS = ("sequence", "object", "frames", "j", "f", "j_and_f", "j_recall", "f_recall")


@dataclass(frozen=True)
class Convention:
    """How masks are scored.

    Args:
        year: 2017: a pixel's value is the object's number; 2016: every value but 0 is the one object.
        frames: "inner": without the first and the last frame; "all".
        tolerance: of boundaries, as a share of the diagonal; 1 or more is in pixels.
        first: number in the file name of the first frame's mask, where masks are numbered otherwise than the
            truth; None: names agree.

    Raises:
        ValueError: another year or choice of frames.
    """

    year: int = 2017
    frames: Scored = "inner"
    tolerance: float = DEFAULT_BOUNDARY_TOLERANCE
    first: int | None = None

    def __post_init__(self) -> None:
        if self.year not in (2016, 2017):
            raise ValueError(f"year must be 2016 or 2017, got {self.year}")
        if self.frames not in ("inner", "all"):
            raise ValueError(f"frames must be inner (without first and last) or all, got {self.frames!r}")


@dataclass(frozen=True)
class ObjectScore:
    """One object of one sequence: means over the scored frames, and the share of frames above 0.5."""

    sequence: str
    number: int
    j: NDArray[np.float64]
    f: NDArray[np.float64]

    @property
    def j_and_f(self) -> float:
        """Mean of J and F."""
        return float(self.j.mean() + self.f.mean()) / 2

    def row(self) -> tuple[str, int, int, float, float, float, float, float]:
        """The values of `COLUMNS`."""
        j, f = float(self.j.mean()), float(self.f.mean())
        recalls = float((self.j > 0.5).mean()), float((self.f > 0.5).mean())
        return self.sequence, self.number, len(self.j), j, f, (j + f) / 2, *recalls


@dataclass
class MaskScores:
    """All objects, and what a reader should know: missing frames, objects that the truth does not have."""

    objects: list[ObjectScore] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def j(self) -> float:
        """Mean J over objects."""
        return float(np.mean([item.j.mean() for item in self.objects]))

    @property
    def f(self) -> float:
        """Mean F over objects."""
        return float(np.mean([item.f.mean() for item in self.objects]))

    def write_csv(self, path: Path) -> None:
        """A row per object."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(COLUMNS)
        for item in self.objects:
            rows.writerow([f"{cell:.6f}" if isinstance(cell, float) else cell for cell in item.row()])
        write_text(path, text.getvalue())


def sequence_folders(root: Path, *, resolution: str = "480p") -> dict[str, Path]:
    """The folders of masks below a root: of a DAVIS layout, a folder of folders, or one folder of PNGs.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: no PNG in it.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"no folder of masks at {root}")
    for folder in (root / "Annotations" / resolution, root / "Annotations", root):
        if folder.is_dir():
            if by_stem(folder, MASK_SUFFIXES):
                return {root.name: folder}
            below = {path.name: path for path in folder.iterdir() if path.is_dir()}
            found = {n: below[n] for n in in_order(below) if not n.startswith(".") and _has_masks(below[n])}
            if found:
                return found
    raise ValueError(f"{root}: no PNG in it, nor in folders below it")


def _has_masks(folder: Path) -> bool:
    return bool(by_stem(folder, MASK_SUFFIXES))


def score_masks(
    truth: Path | str,
    masks: Path | str,
    convention: Convention | None = None,
    *,
    sequences: Sequence[str] | Path | None = None,
    resolution: str = "480p",
) -> Iterator[tuple[list[ObjectScore], list[str]]]:
    """Score sequence by sequence; yields the scores of its objects and what is to be said of it.

    Args:
        truth: a DAVIS root, a folder of folders of PNGs, or one folder of PNGs.
        masks: the same sequences, in any of these forms.
        convention: None: DAVIS 2017, semi-supervised.
        sequences: their names, or a list file; None: all of the truth.
        resolution: folder below Annotations of a DAVIS root.

    Raises:
        FileNotFoundError: a folder or sequence of the truth is missing.
        ValueError: damaged files, other sizes, or names that do not go together.
    """
    convention = convention or Convention()
    ours = sequence_folders(Path(truth), resolution=resolution)
    theirs = sequence_folders(Path(masks), resolution=resolution)
    if len(ours) == len(theirs) == 1 and not set(ours) & set(theirs):
        theirs = dict(zip(ours, theirs.values(), strict=True))
    if sequences is None:
        names = list(ours)
    else:
        names = read_names(sequences) if isinstance(sequences, Path) else list(sequences)
    for name in names:
        if name not in ours:
            raise FileNotFoundError(f"sequence {name!r}: no masks of it below {truth}")
        yield _score(name, ours[name], theirs.get(name), convention)


def gather(parts: Iterator[tuple[list[ObjectScore], list[str]]]) -> MaskScores:
    """All parts of `score_masks` together.

    Raises:
        ValueError: there is no object in any of them.
    """
    scores = MaskScores()
    for objects, notes in parts:
        scores.objects += objects
        scores.notes += notes
    if not scores.objects:
        raise ValueError("there are no objects to measure")
    return scores


def _score(
    name: str, ours: Path, theirs: Path | None, convention: Convention
) -> tuple[list[ObjectScore], list[str]]:
    files = by_stem(ours, MASK_SUFFIXES)
    notes: list[str] = []
    truth = _stack([read_png(path) for path in files.values()], list(files.values()))
    found = _beside(name, list(files), theirs, convention.first, notes)
    maps = [read_png(found[stem]) if stem in found else np.zeros_like(truth[0]) for stem in files]
    for stem, labels in zip(files, maps, strict=True):
        if labels.shape != truth.shape[1:]:
            raise ValueError(f"{found[stem]}: size {labels.shape}, the truth has {truth.shape[1:]} (H, W)")
    prediction = np.stack(maps)
    truth, prediction = (_labels(stack, name, convention.year) for stack in (truth, prediction))
    ids = object_ids(truth)
    if extra := sorted(set(object_ids(prediction)) - set(ids)):
        notes.append(f"{name}: objects {', '.join(map(str, extra))} are not in the truth and do not count")
    if convention.frames == "inner":
        if len(truth) < 3:
            raise ValueError(f"{name}: {len(truth)} frames, none between first and last; give frames=all")
        truth, prediction = truth[1:-1], prediction[1:-1]
    table = np.zeros(256, np.uint8)
    table[ids] = np.arange(1, len(ids) + 1)
    if not ids:
        notes.append(f"{name}: no object in the truth; it does not count")
        return [], notes
    truth, prediction = table[truth], table[prediction]
    j = jaccard(truth, prediction, len(ids))
    f = f_measure(truth, prediction, len(ids), tolerance=convention.tolerance)
    return [ObjectScore(name, number, j[:, k], f[:, k]) for k, number in enumerate(ids)], notes


def _stack(maps: list[NDArray[np.uint8]], paths: list[Path]) -> NDArray[np.uint8]:
    for path, labels in zip(paths, maps, strict=True):
        if labels.shape != maps[0].shape:
            raise ValueError(f"{path}: size {labels.shape}, the first mask has {maps[0].shape} (H, W)")
    return np.stack(maps)


def _beside(
    name: str, stems: list[str], folder: Path | None, first: int | None, notes: list[str]
) -> Mapping[str, Path]:
    """The mask of every frame that has one; what is missing or too much is noted."""
    found = by_stem(folder, MASK_SUFFIXES) if folder is not None else {}
    if first is not None:
        places = {int(stem) - first: path for stem, path in found.items() if stem.isdecimal()}
        found = {stem: places[k] for k, stem in enumerate(stems) if k in places}
    elif found and not set(found) & set(stems):
        numbers = {int(stem): path for stem, path in found.items() if stem.isdecimal()}
        wanted = [int(stem) for stem in stems if stem.isdecimal()]
        if len(wanted) < len(stems) or not set(wanted) <= set(numbers):
            shown = f"{next(iter(found))}.png ... and {stems[0]}.png ..."
            raise ValueError(f"{name}: names of masks and truth do not go together, {shown}; first=NUMBER?")
        found = {stem: numbers[number] for stem, number in zip(stems, wanted, strict=True)}
    if missing := [stem for stem in stems if stem not in found]:
        shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        notes.append(f"{name}: {len(missing)} of {len(stems)} frames have no mask ({shown}); they are empty")
    if extra := [stem for stem in found if stem not in set(stems)]:
        hint = " (counted from 1? first=1)" if len(missing) == len(extra) == 1 else ""
        notes.append(f"{name}: {len(extra)} masks of frames that the truth does not have, {extra[0]}{hint}")
    return found


def _labels(stack: NDArray[np.uint8], name: str, year: int) -> NDArray[np.uint8]:
    """Numbers of objects; white on black is object 1."""
    smoothed = is_smoothed(np.bincount(stack.ravel(), minlength=256))
    if smoothed and year == 2017:
        raise ValueError(f"{name}: grey masks, smoothed or resized, hold no numbers of objects; year=2016?")
    present = set(np.unique(stack).tolist()) - {0}
    if year == 2016 or present == {VOID}:
        return (stack > (127 if smoothed else 0)).astype(np.uint8)
    return stack
