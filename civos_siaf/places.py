"""Where the package's files are: beside it in a checkout, inside it where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

PACKAGE = Path(__file__).parent


def folder(name: Literal["configs", "scripts", "checkpoints"]) -> Path:
    """The folder of the configurations, of the scripts, or of the included weights.

    >>> (folder("configs") / "eval_davis.yaml").is_file()
    True
    """
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name
