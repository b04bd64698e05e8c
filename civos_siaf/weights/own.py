"""The package's own trained weights."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, overload

from civos_siaf.places import folder

VARIABLE = "CIVOS_SIAF_CHECKPOINTS"
"""Environment variable that names another folder of checkpoints."""


@overload
def own_weights(name: str, *, required: Literal[True] = True) -> Path: ...


@overload
def own_weights(name: str, *, required: bool) -> Path | None: ...


def own_weights(name: str, *, required: bool = True) -> Path | None:
    """The file of a model that comes with the package, such as "light_clicks".

    Looked for in the folder of `CIVOS_SIAF_CHECKPOINTS`, and in the checkout or the installed package.

    Args:
        name: of the file, without its ending.
        required: otherwise a file that is nowhere is None.

    Raises:
        FileNotFoundError: it is nowhere; lists the places.
    """
    folders = [Path(os.environ[VARIABLE])] if VARIABLE in os.environ else []
    folders.append(folder("checkpoints"))
    for place in folders:
        path = place / f"{name}.safetensors"
        if path.is_file():
            return path
    if not required:
        return None
    places = ", ".join(map(str, folders))
    raise FileNotFoundError(f"no {name}.safetensors in {places}; set {VARIABLE} to the folder that has it")
