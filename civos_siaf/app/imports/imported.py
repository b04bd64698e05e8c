"""Masks that somebody made elsewhere, and the actions that they become."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from civos_siaf.app.actions import MAX_NAME, MAX_OBJECTS
from civos_siaf.masks import to_rle
from civos_siaf.protocol import Labels


@dataclass(frozen=True)
class Imported:
    """Masks for some frames of a video; every file was looked at once, and is read again when asked for.

    Attributes:
        frames: those with masks, ascending.
        names: of the objects, by their number in the labels; None where there is no name.
        labels: gives the label map (H, W) of one of the frames.
        notes: what was taken where files can be read in several ways; for the person who imports.
    """

    frames: tuple[int, ...]
    names: Mapping[int, str | None]
    labels: Callable[[int], Labels]
    notes: tuple[str, ...] = ()


def object_actions(imported: Imported) -> Iterator[tuple[int, dict[str, object]]]:
    """For every object its number in the import, and the action that adds it to a project."""
    for number, name in sorted(imported.names.items()):
        action: dict[str, object] = {"type": "add_object"}
        plain = "".join(sign for sign in name or "" if sign.isprintable()).strip()[:MAX_NAME].strip()
        yield number, action | ({"name": plain} if plain else {})


def mask_actions(
    imported: Imported, numbers: Mapping[int, int] | None = None, *, frames: Collection[int] | None = None
) -> Iterator[dict[str, object]]:
    """The actions that draw the masks, frame by frame.

    Args:
        imported: the masks.
        numbers: the project's object for every object of the import; None: the same numbers.
        frames: only these.
    """
    for frame in imported.frames:
        if frames is not None and frame not in frames:
            continue
        labels = imported.labels(frame)
        for number in np.unique(labels[labels > 0]).tolist():
            target = number if numbers is None else numbers[number]
            yield {"type": "mask", "frame": frame, "object": target, "rle": to_rle(labels == number)}


def check_number_of_objects(what: str, count: int) -> None:
    """Refuse more objects than a project holds, or none.

    Raises:
        ValueError: `count` is 0 or above 254.
    """
    if count == 0:
        raise ValueError(f"{what}: there is no mask in it")
    if count > MAX_OBJECTS:
        raise ValueError(f"{what}: {count} objects, a project has at most {MAX_OBJECTS}")
