"""Reading files of MATLAB."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat
from scipy.io.matlab import MatReadError


def read_variable(path: Path, name: str) -> NDArray[Any]:
    """A variable of a .mat file.

    Raises:
        ValueError: a damaged file, one of another kind, or without the variable.
    """
    try:
        content = loadmat(path)
    except (MatReadError, zlib.error, ValueError, TypeError, NotImplementedError, OSError) as error:
        raise ValueError(f"{path}: not a readable .mat file ({error})") from error
    if name not in content:
        raise ValueError(f"{path}: expected a variable {name}")
    return np.asarray(content[name])
