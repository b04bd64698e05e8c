"""Where the package's files are: beside it in a checkout, inside it where it is installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

PACKAGE = Path(__file__).parents[1]


def resource_folder(name: Literal["configs", "scripts", "checkpoints"]) -> Path:
    """The folder of the configurations, of the scripts, or of the included weights.

    >>> (resource_folder("configs") / "eval_davis.yaml").is_file()
    True
    """
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


def distinct_folders(folders: Sequence[Path]) -> list[Path]:
    """Each folder once, where it comes first.

    >>> [str(path) for path in distinct_folders([Path("data"), Path("/data"), Path("data").absolute()])]
    ['data', '/data']
    """
    found: dict[Path, Path] = {}
    for path in folders:
        found.setdefault(path.absolute(), path)
    return list(found.values())
