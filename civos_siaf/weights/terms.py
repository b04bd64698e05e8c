"""The terms of the included weights, said once where they are first used."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from civos_siaf.runtime.resources import resource_folder

TERMS = "research and other non-commercial use only, because of the training data (LICENSE-WEIGHTS)"

log = logging.getLogger(__name__)
_lock = threading.Lock()
_said = False


def say_terms(path: Path | str) -> None:
    """Log the terms once in a process, if the file is one of the included weights."""
    global _said
    if Path(path).resolve().parent != resource_folder("checkpoints").resolve() or not is_included(path):
        return
    with _lock:
        said, _said = _said, True
    if not said:
        log.warning("the included weights are for %s", TERMS)


def is_included(path: Path | str) -> bool:
    """Whether a file has the name of included weights."""
    name = Path(path).name
    return name.startswith("light_") and name.endswith(".safetensors")
