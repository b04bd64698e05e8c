"""Where the data sets come from, and what is wrong when a folder does not hold one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

PAGES = {
    "davis": "https://davischallenge.org (DAVIS 2016 or 2017, 480p)",
    "coco": "https://cocodataset.org (train2017 and its instances) or https://www.lvisdataset.org",
    "bsds500": "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html",
    "clothing": "https://github.com/bearpaw/clothing-co-parsing",
    "cars": "https://github.com/dsmlr/Car-Parts-Segmentation",
}
"""Page of each set by its name."""


def wrong_root(name: str, root: Path, expected: str) -> FileNotFoundError:
    """The error for a folder that does not hold the set."""
    found = "there is no such folder" if not root.is_dir() else f"expected {expected}"
    return FileNotFoundError(f"{name}={root}: {found}; get it from {PAGES[name]}")


def first_there(root: Path, names: Sequence[str]) -> Path | None:
    """The first of the paths below `root` that exists."""
    return next((root / name for name in names if (root / name).exists()), None)
