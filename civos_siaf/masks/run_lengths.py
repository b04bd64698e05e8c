"""Checking COCO's compressed run lengths before a decoder that trusts them sees them."""

from __future__ import annotations

_CONTINUES, _BITS = 0x20, 5


def check_counts(counts: str, pixels: int) -> None:
    """Refuse counts that do not fill `pixels` exactly.

    Raises:
        ValueError: a foreign character, an unfinished or negative run, or another sum.

    >>> check_counts("04", 4)
    >>> check_counts("04", 5)
    Traceback (most recent call last):
    ...
    ValueError: run lengths are of 4 pixels, expected 5
    """
    runs: list[int] = []
    value = shift = 0
    for character in counts:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 6 * _BITS:
            raise ValueError(f"run lengths hold a foreign character or a run too long at run {len(runs)}")
        value |= (code & 0x1F) << shift
        shift += _BITS
        if code & _CONTINUES:
            continue
        if code & 0x10:
            value -= 1 << shift
        if len(runs) > 2:
            value += runs[-2]
        if not 0 <= value <= pixels:
            raise ValueError(f"run {len(runs)} is of {value} pixels, the mask has {pixels}")
        runs.append(value)
        value = shift = 0
    if shift:
        raise ValueError("run lengths end in the middle of a run")
    if sum(runs) != pixels:
        raise ValueError(f"run lengths are of {sum(runs)} pixels, expected {pixels}")
