"""The order in which CPython's `set` gives back integers, written out.

The original draws along paths whose choice depends on that order (spec 6.5, 6.6). Spelling it out keeps the
robot the same on interpreters whose sets are ordered otherwise.
"""

from collections.abc import Iterable

_LINEAR_PROBES = 9
_PERTURB_SHIFT = 5


def hash_order(values: Iterable[int]) -> list[int]:
    """The distinct values in the order of a set into which they were put one by one; all must be >= 0.

    >>> hash_order([9, 1, 40, 3])
    [40, 9, 3, 1]
    """
    table: list[int] = [-1] * 8
    used = 0
    for value in values:
        slot = _slot(table, value)
        if table[slot] == value:
            continue
        table[slot] = value
        used += 1
        if used * 5 >= (len(table) - 1) * 3:
            table = _grown(table, used * 2 if used > 50000 else used * 4)
    return [value for value in table if value >= 0]


def _slot(table: list[int], value: int) -> int:
    """The slot that holds the value, or the free one where it goes."""
    mask = len(table) - 1
    perturb = value
    first = value & mask
    while True:
        last = first + _LINEAR_PROBES if first + _LINEAR_PROBES <= mask else first
        for slot in range(first, last + 1):
            if table[slot] < 0 or table[slot] == value:
                return slot
        perturb >>= _PERTURB_SHIFT
        first = (first * 5 + 1 + perturb) & mask


def _grown(table: list[int], least: int) -> list[int]:
    size = 8
    while size <= least:
        size <<= 1
    grown = [-1] * size
    for value in table:
        if value >= 0:
            grown[_slot(grown, value)] = value
    return grown
