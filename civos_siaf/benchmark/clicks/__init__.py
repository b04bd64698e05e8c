"""Click strategies of CiVOS: what the robot's scribbles, or the wrong regions, become as clicks."""

from civos_siaf.benchmark.clicks.frame import AnnotatedFrame, ClickStrategy
from civos_siaf.benchmark.clicks.from_errors import F3, F3Regions
from civos_siaf.benchmark.clicks.from_scribbles import F1, F2
from civos_siaf.benchmark.clicks.limits import Count, Limited

__all__ = ["F1", "F2", "F3", "AnnotatedFrame", "ClickStrategy", "F3Regions", "Limited", "click_strategy"]


def click_strategy(
    name: str,
    *,
    max_clicks: int = 3,
    minimal_area: int = 100,
    truncate_pixels: bool = True,
    published_quirks: bool = False,
    first_round_clicks: int | None = None,
    count: Count = "sign",
) -> ClickStrategy | None:
    """The strategy of this name: f1, f2, f3, f3_regions, or none (the method gets the scribbles).

    Args:
        name: the strategy.
        max_clicks: most clicks, counted as each strategy says.
        minimal_area: pixels below which a wrong region gets no click (f3 and f3_regions, after round 1).
        truncate_pixels: positions pass through fractions of the frame and are truncated (f1, f2, f3).
        published_quirks: with the bugs of the published code (f1, f3).
        first_round_clicks: most clicks of an object in round 1; the paper has 1. None: as the published code.
        count: what `max_clicks` counts after round 1: "sign" as the strategy says, as the published code;
            "object" all clicks of an object, as the paper words it.

    Raises:
        ValueError: no such strategy, or another count.
    """
    if count not in ("sign", "object"):
        raise ValueError(f"count must be sign or object, got {count!r}")
    if name == "none":
        return None
    later = max_clicks if count == "object" else None
    strategy = _strategy(
        name,
        max_clicks=max_clicks,
        minimal_area=minimal_area,
        truncate_pixels=truncate_pixels,
        published_quirks=published_quirks,
    )
    return Limited(strategy, first_round_clicks, later) if first_round_clicks or later else strategy


def _strategy(
    name: str, *, max_clicks: int, minimal_area: int, truncate_pixels: bool, published_quirks: bool
) -> ClickStrategy:
    if name == "f1":
        return F1(truncate_pixels=truncate_pixels, published_quirks=published_quirks)
    if name == "f2":
        return F2(max_clicks=max_clicks, truncate_pixels=truncate_pixels)
    if name == "f3":
        return F3(
            max_clicks=max_clicks,
            minimal_area=minimal_area,
            truncate_pixels=truncate_pixels,
            published_quirks=published_quirks,
        )
    if name == "f3_regions":
        return F3Regions(max_clicks=max_clicks, minimal_area=minimal_area)
    raise ValueError(f"click_strategy must be none, f1, f2, f3 or f3_regions, got {name!r}")
