"""The objects of a project, and the colours they get."""

from __future__ import annotations

import colorsys
from collections.abc import Collection
from dataclasses import dataclass

# fmt: off
_COLOURS = (
    "#e6194b", "#3cb44b", "#4363d8", "#ffe119", "#f58231", "#911eb4", "#42d4f4", "#f032e6", "#bfef45",
    "#fabed4", "#469990", "#dcbeff", "#9a6324", "#fffac8", "#800000", "#aaffc3", "#808000", "#ffd8b1",
    "#000075", "#a9a9a9",
)
# fmt: on
_GOLDEN = 0.6180339887


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object.

    Attributes:
        id: its number, 1..254; its label.
        name: for people.
        colour: #rrggbb.
        hidden: whether the page leaves it out.
        deleted: it is no more; its number stays taken.
    """

    id: int
    name: str
    colour: str
    hidden: bool = False
    deleted: bool = False

    def to_json(self) -> dict[str, object]:
        """As the page gets it."""
        return {"id": self.id, "name": self.name, "colour": self.colour, "hidden": self.hidden}


def next_colour(number: int, taken: Collection[str]) -> str:
    """A colour for object `number`: the first of twenty that is free, then hues as far apart as can be."""
    for colour in _COLOURS:
        if colour not in taken:
            return colour
    rgb = colorsys.hsv_to_rgb(number * _GOLDEN % 1, 0.55 + 0.4 * (number % 2), 0.95 - 0.25 * (number % 3) / 2)
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)
