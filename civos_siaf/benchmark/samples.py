"""Samples: which sequences are evaluated with which first scribbles.

Source: docs/specification/davis-interactive.md section 4.2; several frames: SIAF.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

from civos_siaf.benchmark.table import SequenceInfo

SampleItem = TypeVar("SampleItem")


@dataclass(frozen=True, slots=True)
class Sample:
    """One sequence with one set of first scribbles, or several taken together."""

    info: SequenceInfo
    scribble_sets: tuple[int, ...]

    @property
    def sequence(self) -> str:
        """Name of the sequence."""
        return self.info.name

    @property
    def label(self) -> str:
        """The scribble sets as the report writes them: 1, or 1+2+3."""
        return "+".join(map(str, self.scribble_sets))

    @property
    def key(self) -> tuple[str, str]:
        """What identifies the sample in a report."""
        return self.sequence, self.label


def all_samples(infos: Iterable[SequenceInfo], frames_per_round: int = 1) -> list[Sample]:
    """Every choice of `frames_per_round` scribble sets of each sequence, or all where there are fewer."""
    return [
        Sample(info, sets)
        for info in infos
        for sets in combinations(range(1, info.scribble_sets + 1), min(frames_per_round, info.scribble_sets))
    ]


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `index` of `count`, from 1: what one of several processes evaluates.

    >>> Shard.parse("2/4").of(["a", "b", "c", "d", "e", "f"])
    ['b', 'f']
    """

    index: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise ValueError(f"shard must be i/n with 1 <= i <= n, got {self.index}/{self.count}")

    @classmethod
    def parse(cls, text: str) -> Shard:
        """From "i/n".

        Raises:
            ValueError: another form, or i not in 1..n.
        """
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if not match:
            raise ValueError(f"shard must be written i/n, for example 1/4, got {text!r}")
        return cls(int(match[1]), int(match[2]))

    def of(self, items: list[SampleItem]) -> list[SampleItem]:
        """Every `count`-th item, starting with number `index`."""
        return items[self.index - 1 :: self.count]

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"
