"""How many clicks an object gets, where it is not left to the strategy (CiVOS, section 4.3)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, TypeAlias

from civos_siaf.benchmark.clicks.frame import AnnotatedFrame, ClickStrategy
from civos_siaf.prompts import Click

Count: TypeAlias = Literal["sign", "object"]
"""What a limit counts: the clicks as the strategy counts them, or all of an object."""


@dataclass(frozen=True, slots=True)
class Limited:
    """The clicks of a strategy, but not more than so many of an object.

    Of an object's clicks the first positive one stays first, then the first negative one, then the second
    positive one, and so on; this order is ours, as the paper gives none.

    Args:
        strategy: makes the clicks, of each object and sign the best first.
        first_round: most clicks of an object in round 1; None: no limit.
        later: likewise in later rounds.

    Raises:
        ValueError: a limit below 1.
    """

    strategy: ClickStrategy
    first_round: int | None = None
    later: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("first_round_clicks", self.first_round), ("max_clicks", self.later)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be 1 or more, got {value}")

    def __call__(self, frame: AnnotatedFrame) -> list[Click]:
        """Clicks on a frame, in the strategy's order."""
        clicks = self.strategy(frame)
        limit = self.first_round if frame.first_round else self.later
        if limit is None:
            return clicks
        seen: Counter[tuple[int, bool]] = Counter()
        places: dict[int, list[tuple[int, bool, int]]] = {}
        for number, click in enumerate(clicks):
            kind = (click.object_id, click.positive)
            places.setdefault(click.object_id, []).append((seen[kind], not click.positive, number))
            seen[kind] += 1
        kept = {number for own in places.values() for *_, number in sorted(own)[:limit]}
        return [click for number, click in enumerate(clicks) if number in kept]
