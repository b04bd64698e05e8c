"""Masks of objects that may overlap, drawn into one label map per frame, and what became of each object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from civos_siaf.app.imports.external_masks import Imported, check_number_of_objects
from civos_siaf.protocol import Labels

Entries = TypeVar("Entries")


@dataclass(frozen=True)
class DrawnFrame:
    """The labels (H, W) of a frame, the objects that have a mask there, and whether two of them overlap."""

    labels: Labels
    objects: frozenset[int]
    overlap: bool


def draw_masks(masks: Iterable[tuple[int, NDArray[np.bool_]]], size: tuple[int, int]) -> DrawnFrame:
    """Numbers of objects and their masks (H, W), in this order: what comes later is on top."""
    found, objects, overlap = np.zeros(size, dtype=np.uint8), set[int](), False
    for number, mask in masks:
        below = found[mask]
        if len(below):
            objects.add(number)
        overlap |= bool(((below != 0) & (below != number)).any())
        found[mask] = number
    return DrawnFrame(found, frozenset(objects), overlap)


def look_through(
    file: str,
    drawn: Mapping[int, Entries],
    names: Mapping[int, str | None],
    draw: Callable[[Entries], DrawnFrame],
    *,
    on_top: str,
    notes: Sequence[str] = (),
) -> Imported:
    """Draw every frame once, so that nothing fails later, and say what is hidden or empty.

    Args:
        file: the file's name, for messages.
        drawn: what is to be drawn, by frame.
        names: of the objects, by number.
        draw: makes the labels of a frame.
        on_top: which of overlapping masks is on top, for the note.
        notes: how the file was read.

    Raises:
        ValueError: a mask that cannot be drawn, with its frame; no object has a pixel.
    """
    shown, covered, overlapping = set[int](), set[int](), 0
    for frame, entries in drawn.items():
        try:
            found = draw(entries)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{file}: frame {frame}: {error!r}") from error
        except ValueError as error:
            raise ValueError(f"{file}: frame {frame}: {error}") from error
        shown.update(np.unique(found.labels).tolist())
        covered |= found.objects
        overlapping += found.overlap
    hidden = covered - shown
    kept = {number: name for number, name in names.items() if number in shown | hidden}
    empty = set(names) - kept.keys()
    check_number_of_objects(file, len(kept))
    said = (
        *notes,
        f"masks overlap in {overlapping} frames; {on_top} is on top" if overlapping else "",
        f"{_listed(hidden)} wholly below others" if hidden else "",
        f"{_listed(empty)} without a pixel, and left out" if empty else "",
    )
    return Imported(
        tuple(sorted(drawn)),
        kept,
        lambda frame: draw(drawn[frame]).labels,
        tuple(note for note in said if note),
    )


def _listed(numbers: set[int]) -> str:
    shown = ", ".join(map(str, sorted(numbers)[:8]))
    return f"object {shown} is" if len(numbers) == 1 else f"objects {shown} are"
