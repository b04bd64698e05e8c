"""What an export needs of an annotated video, and the checks that every format shares."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import numpy as np

from civos_siaf.masks import VOID
from civos_siaf.protocol import Labels
from civos_siaf.video.frames import Frames


class ExportedObject(Protocol):
    """An object: its number in the label maps, its name, its colour (#rrggbb)."""

    @property
    def id(self) -> int:
        """1..254, the value of its pixels."""

    @property
    def name(self) -> str:
        """Any text."""

    @property
    def colour(self) -> str:
        """As #rrggbb."""


class AnnotatedVideo(Protocol):
    """An annotated video."""

    @property
    def name(self) -> str:
        """Of the video; any text."""

    @property
    def frames(self) -> Frames:
        """The images."""

    @property
    def objects(self) -> Sequence[ExportedObject]:
        """The objects that exist; deleted ones are not among them."""

    @property
    def reviewed(self) -> Collection[int]:
        """The frames that a person has marked as reviewed."""

    def labels(self, frame: int) -> Labels:
        """Label map (H, W); background where nothing is known."""


def check_objects(annotation: AnnotatedVideo) -> None:
    """Refuse objects that an 8-bit label map cannot hold.

    Raises:
        ValueError: a number twice, or outside 1..254.
    """
    numbers = [item.id for item in annotation.objects]
    if len(numbers) >= VOID:
        raise ValueError(f"{len(numbers)} objects: an 8-bit label map holds at most {VOID - 1}")
    for number in numbers:
        if not 1 <= number < VOID:
            raise ValueError(f"object {number}: 8-bit label maps hold objects 1..{VOID - 1}")
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"objects have the same number: {sorted(numbers)}")


def chosen_frames(annotation: AnnotatedVideo, frames: str, *, every: int = 1) -> list[int]:
    """The frames that an export writes, ascending.

    Args:
        annotation: the video.
        frames: "all": every n-th frame; "reviewed": all that are marked as reviewed, whatever `every` is.
        every: n.

    Raises:
        ValueError: reviewed frames are asked for, and none is marked.
    """
    if frames == "all":
        return list(range(0, len(annotation.frames), every))
    if not annotation.reviewed:
        raise ValueError("no frame is marked as reviewed (key R in the tool); frames=all exports every frame")
    return sorted(annotation.reviewed)


def read_labels(annotation: AnnotatedVideo, frame: int) -> Labels:
    """The labels (H, W) uint8 of one frame, checked.

    Raises:
        ValueError: another size or type than the video's, or a label that no object has.
    """
    labels = annotation.labels(frame)
    if labels.shape != annotation.frames.size or labels.dtype != np.uint8:
        raise ValueError(
            f"labels of frame {frame} are {labels.shape} {labels.dtype}, "
            f"expected {annotation.frames.size} uint8"
        )
    present = np.flatnonzero(np.bincount(labels.ravel(), minlength=256))
    unknown = sorted(set(present.tolist()) - {0} - {item.id for item in annotation.objects})
    if unknown:
        raise ValueError(f"frame {frame} has the label {unknown[0]}, which no object has")
    return labels


def masks_of(annotation: AnnotatedVideo, labels: Labels) -> list[tuple[ExportedObject, np.ndarray]]:
    """The objects that have pixels in a label map, with their masks (H, W) bool, by number."""
    present = np.bincount(labels.ravel(), minlength=256) > 0
    objects = sorted(annotation.objects, key=lambda item: item.id)
    return [(item, labels == item.id) for item in objects if present[item.id]]
