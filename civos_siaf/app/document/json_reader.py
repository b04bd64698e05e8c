"""Reading the fields of a JSON object that somebody else wrote."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from civos_siaf.masks.run_lengths import check_counts

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
_LARGEST = 2**31


class JsonReader:
    """The fields of one object; every method raises ValueError where a field is not as expected.

    Args:
        data: the object.
        known: fields that somebody else reads.
    """

    def __init__(self, data: Mapping[str, object], known: Collection[str] = ()) -> None:
        self._data = data
        self._read = set(known)

    def finish(self) -> None:
        """Refuse fields that nobody read."""
        if more := [str(name)[:40] for name in self._data if name not in self._read]:
            raise ValueError(f"unknown field {', '.join(more[:3])}")

    def whole(self, name: str, *, least: int = 0) -> int:
        """A whole number."""
        value = self._get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value < _LARGEST:
            raise ValueError(f"{name} must be a whole number of {least} or more, got {_short(value)}")
        return value

    def number(self, name: str) -> float:
        """A finite number."""
        return _number(name, self._get(name))

    def flag(self, name: str) -> bool | None:
        """True or false, or None where the field is missing."""
        value = self._get(name)
        if value is not None and not isinstance(value, bool):
            raise ValueError(f"{name} must be true or false, got {_short(value)}")
        return value

    def text(self, name: str, longest: int) -> str | None:
        """One line of text with something in it, or None where the field is missing."""
        value = self._get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip() or len(value) > longest:
            raise ValueError(f"{name} must be text of 1 to {longest} characters, got {_short(value)}")
        if not value.replace(" ", "").isprintable():
            raise ValueError(f"{name} must be one line of printable text, got {_short(value)}")
        return value.strip()

    def colour(self, name: str) -> str | None:
        """A colour #rrggbb in small letters, or None where the field is missing."""
        value = self._get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not _COLOUR.fullmatch(value):
            raise ValueError(f"{name} must be a colour like #e6194b, got {_short(value)}")
        return value.lower()

    def choice(self, name: str, choices: Sequence[str | None]) -> str | None:
        """One of a few values; the field must be there."""
        if name not in self._data:
            raise ValueError(f"{name} is missing")
        value = self._get(name)
        if not (value is None or isinstance(value, str)) or value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(map(str, choices))}; got {_short(value)}")
        return value

    def points(self, name: str, most: int) -> tuple[tuple[float, float], ...]:
        """A list of [x, y]."""
        value = self._get(name)
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= most:
            count = len(value) if isinstance(value, list | tuple) else _short(value)
            raise ValueError(f"{name} must be a list of 1 to {most} points [x, y], got {count}")
        for point in value:
            if not isinstance(point, list | tuple) or len(point) != 2:
                raise ValueError(f"{name} must be points [x, y], got {_short(point)}")
        return tuple((_number(name, x), _number(name, y)) for x, y in value)

    def run_lengths(self, name: str) -> tuple[tuple[int, int], str]:
        """Size (H, W) and counts of a mask; the counts fill the size."""
        value = self._get(name)
        if not isinstance(value, Mapping) or set(value) != {"size", "counts"}:
            raise ValueError(f'{name} must be {{"size": [H, W], "counts": text}}, got {_short(value)}')
        size, counts = value["size"], value["counts"]
        if (
            not isinstance(size, list | tuple)
            or len(size) != 2
            or not all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in size)
        ):
            raise ValueError(f"size of {name} must be [H, W], got {_short(size)}")
        if not isinstance(counts, str):
            raise ValueError(f"counts of {name} must be compressed run lengths, got {_short(counts)}")
        check_counts(counts, size[0] * size[1])
        return (size[0], size[1]), counts

    def _get(self, name: str) -> object:
        self._read.add(name)
        return self._data.get(name)


def _number(name: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{name} must be a number, got {_short(value)}")
    if not abs(value) <= _LARGEST:  # false of NaN, too
        raise ValueError(f"{name} must be a finite number of pixels, got {_short(value)}")
    return float(value)


def _short(value: object) -> str:
    text = "nothing" if value is None else ascii(value) if isinstance(value, str | int | float) else ""
    return f"{text[:40]}..." if len(text) > 40 else text or f"a {type(value).__name__}"
