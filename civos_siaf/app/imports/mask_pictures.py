"""What the pixels of mask pictures mean: numbers, levels of grey, white on black, or colours.

Tools write the same masks in many ways. All files of an import are looked through before one is read, since a
single file does not tell: `{0, 1}` and `{0, 255}` are one object, `{0, 1, 255}` has pixels that are unknown.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from civos_siaf.app.imports.external_masks import AmbiguousMasksError
from civos_siaf.masks import VOID, davis_palette, is_smoothed
from civos_siaf.protocol import Labels

MEANINGS = ("numbers", "levels", "white", "colours")
"""Each value is an object's number and 255 is unknown; each value is an object, 255 too, numbered by rising
value; above 127 is the one object; each colour but black is an object."""

MOST_COLOURS = 16
"""So many objects by colour are taken without a look at how rare the colours are."""

Pixels = NDArray[np.uint32]


@dataclass(frozen=True)
class Picture:
    """A decoded file: values (H, W) uint8, and colours (H, W) as 0xRRGGBB; of grey files, colours are None.

    `palette` says that values are places in a palette of colours.
    """

    values: Labels | None
    colours: Pixels | None
    palette: bool = False


def decode(data: bytes, size: tuple[int, int]) -> Picture:
    """Decode a PNG; its size is looked at before anything is unpacked.

    Raises:
        ValueError: another size than (H, W) `size`, or 16-bit values above 255.
        OSError, SyntaxError: damaged.
    """
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        if image.size != size[::-1]:
            raise ValueError(f"it is {image.width}x{image.height} pixels, the video {size[1]}x{size[0]}")
        if image.mode == "1":
            return Picture(np.asarray(image, dtype=np.uint8) * np.uint8(255), None)
        if image.mode.startswith("I"):
            return Picture(_eight_bits(np.asarray(image).astype(np.int64)), None)
        if image.mode == "P":
            values = np.array(image, dtype=np.uint8)
            colours = _packed(np.asarray(image.convert("RGB")))
            grey = np.array_equal(colours, _packed(np.repeat(values[..., None], 3, axis=2)))
            return Picture(values, None) if grey else Picture(values, colours, palette=True)
        rgba = np.array(image.convert("RGBA"))
        rgba[rgba[..., 3] <= 127] = 0
        red, green, blue = (rgba[..., channel] for channel in range(3))
        if np.array_equal(red, green) and np.array_equal(red, blue):
            return Picture(red.copy(), None)
        return Picture(None, _packed(rgba[..., :3]))


@dataclass
class Survey:
    """What all files of an import hold."""

    values: list[NDArray[np.int64]] = field(default_factory=list)
    colours: Counter[int] = field(default_factory=Counter)
    by_colour: bool = False
    palette: bool = False
    _of_place: dict[int, int] = field(default_factory=dict)

    def add(self, picture: Picture) -> None:
        """Count the pixels of a file."""
        if picture.values is not None:
            self.values.append(np.bincount(picture.values.ravel(), minlength=256))
        colours = _colours_of(picture)
        found, first, counts = np.unique(colours, return_index=True, return_counts=True)
        for place in np.argsort(first).tolist():  # objects are numbered as they appear
            self.colours[int(found[place])] += int(counts[place])
        if picture.values is None:
            self.by_colour = True
        elif picture.palette:
            self.palette = True
            places = np.unique(picture.values)
            where = [int(np.argmax(picture.values == place)) for place in places]
            pairs = dict(zip(places.tolist(), colours.ravel()[where].tolist(), strict=True))
            black_elsewhere = any(place and not colour for place, colour in pairs.items()) and 0 in pairs
            differ = any(self._of_place.setdefault(place, pairs[place]) != pairs[place] for place in pairs)
            inverted = black_elsewhere and pairs.get(0) != 0
            self.by_colour |= differ or inverted

    @property
    def histogram(self) -> NDArray[np.int64]:
        """Pixels of each value in all files."""
        return np.asarray(np.sum(self.values, axis=0), dtype=np.int64)


@dataclass(frozen=True)
class Reading:
    """How files become label maps: the objects' numbers, the reader, and what is said about it."""

    objects: tuple[int, ...]
    labels: Callable[[Picture], Labels]
    note: str = ""


def reading(survey: Survey, meaning: str | None = None) -> Reading:
    """The reading that fits all files, or the one that was asked for.

    Raises:
        ValueError: an unknown meaning, or pixels that can be read in several ways; names what was found.
    """
    if meaning not in (None, *MEANINGS):
        raise ValueError(f"values={meaning}: there are {', '.join(MEANINGS)}")
    if meaning == "colours" or (meaning is None and survey.by_colour):
        return _by_colour(survey, asked=meaning is not None)
    if survey.by_colour:
        raise ValueError(f"pixels are colours, which have no values={meaning}; give values=colours")
    histogram = survey.histogram
    present = np.flatnonzero(histogram)
    if meaning == "white":
        return _white(histogram, "above 127 is the object")
    if meaning == "levels":
        return _levels(present)
    if meaning == "numbers":
        return _numbers(present)
    found = [frozenset(np.flatnonzero(one).tolist()) - {0} for one in survey.values]
    if all(one <= {1} or one <= {VOID} for one in found):
        both = len(set().union(*found)) > 1
        return _one_object(histogram, "1 in some files and 255 in others are the same object" if both else "")
    if survey.palette:
        return _numbers(present)
    if is_smoothed(histogram):
        return _white(
            histogram, f"{len(present)} values of grey, as of smoothed masks: above 127 is the object"
        )
    if VOID not in present or _is_run(present[(present > 0) & (present < VOID)]):
        return _numbers(present)
    steps = np.diff(present)
    if present[0] == 0 and 3 <= len(present) <= 18 and int(np.ptp(steps)) <= 1:
        return _levels(present)
    shown = ", ".join(map(str, present[:12])) + (", ..." if len(present) > 12 else "")
    raise AmbiguousMasksError(
        f"the pixels have the values {shown}: say what they mean, values=numbers (objects, 255 unknown), "
        "values=levels (each value is an object) or values=white (above 127 is the one object)",
        "values",
        {
            "numbers": "Numbers of objects, 255 is unknown",
            "levels": "Each value is an object",
            "white": "One object: above 127",
        },
    )


def _is_run(numbers: NDArray[np.int64]) -> bool:
    """Whether numbers are 1..n, at most 64: those of objects beside 255 for unknown pixels."""
    return len(numbers) <= 64 and np.array_equal(numbers, np.arange(1, len(numbers) + 1))


def _numbers(present: NDArray[np.int64]) -> Reading:
    def labels(picture: Picture) -> Labels:
        found = np.array(_values_of(picture))
        found[found == VOID] = 0
        return found

    return Reading(tuple(present[(present > 0) & (present < VOID)].tolist()), labels)


def _one_object(histogram: NDArray[np.int64], note: str) -> Reading:
    objects = (1,) if histogram[1:].any() else ()
    return Reading(objects, lambda picture: (_values_of(picture) > 0).astype(np.uint8), note)


def _white(histogram: NDArray[np.int64], note: str) -> Reading:
    objects = (1,) if histogram[128:].any() else ()
    return Reading(objects, lambda picture: (_values_of(picture) > 127).astype(np.uint8), note)


def _levels(present: NDArray[np.int64]) -> Reading:
    inside = present[present > 0]
    if len(inside) >= VOID:
        raise ValueError(f"{len(inside)} levels of grey, which are no masks of objects")
    table = np.zeros(256, np.uint8)
    table[inside] = np.arange(1, len(inside) + 1)
    note = ", ".join(f"{value} is object {table[value]}" for value in inside[:8].tolist())

    def labels(picture: Picture) -> Labels:
        return np.asarray(table[_values_of(picture)], dtype=np.uint8)

    return Reading(tuple(range(1, len(inside) + 1)), labels, note)


def _by_colour(survey: Survey, *, asked: bool) -> Reading:
    """Objects by colour: numbers of the DAVIS palette if all are of it, else in the order of appearance."""
    inside = [colour for colour in survey.colours if colour]
    if 0 not in survey.colours:
        raise ValueError(f"no pixel is black, which is the background; found {_shown(inside)}")
    counts = np.sort([survey.colours[colour] for colour in inside])
    rare = len(inside) > MOST_COLOURS and 100 * counts[len(counts) // 2] < counts[-1]
    if rare and not asked:
        raise AmbiguousMasksError(
            f"{len(inside)} colours, most of them rare ({_shown(inside)}), as at smoothed edges: "
            "write masks without smoothing, one colour per object, or say values=colours",
            "values",
            {"colours": f"Yes, {len(inside)} objects by their colours"},
        )
    if len(inside) >= VOID:
        raise ValueError(f"{len(inside)} colours; a project has at most {VOID - 1} objects")
    palette = {colour: place for place, colour in enumerate(_packed(davis_palette()[None])[0].tolist())}
    ours = all(0 < palette.get(colour, 0) < VOID for colour in inside)
    number = {colour: palette[colour] if ours else place for place, colour in enumerate(inside, 1)}

    def labels(picture: Picture) -> Labels:
        colours = _colours_of(picture)
        found = np.zeros(colours.shape, np.uint8)
        for colour in np.unique(colours).tolist():
            found[colours == colour] = number.get(colour, 0)
        return found

    note = "by colour: " + ", ".join(f"#{colour:06x} is object {number[colour]}" for colour in inside[:8])
    return Reading(tuple(sorted(number.values())), labels, note)


def _shown(colours: list[int]) -> str:
    return ", ".join(f"#{colour:06x}" for colour in colours[:6]) + (", ..." if len(colours) > 6 else "")


def _packed(rgb: NDArray[np.uint8]) -> Pixels:
    wide = rgb.astype(np.uint32)
    return np.asarray((wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2], dtype=np.uint32)


def _colours_of(picture: Picture) -> Pixels:
    if picture.colours is not None:
        return picture.colours
    return _packed(np.repeat(_values_of(picture)[..., None], 3, axis=2))


def _values_of(picture: Picture) -> Labels:
    assert picture.values is not None
    return picture.values


def _eight_bits(values: NDArray[np.int64]) -> Labels:
    """Labels of a 16-bit file: small numbers as they are, multiples of 257 as the 8-bit values stretched."""
    if values.max(initial=0) <= 255:
        return values.astype(np.uint8)
    if not (values % 257).any():
        return (values // 257).astype(np.uint8)
    raise ValueError(f"16-bit values up to {int(values.max())}: objects have numbers 1 to {VOID - 1}")
