"""Messages of the package's own loggers, all below `civos_siaf`."""

from __future__ import annotations

import logging
import os

VARIABLE = "CIVOS_SIAF_LOG"
"""Environment variable with the level: debug, info, warning or error."""
LEVELS = ("debug", "info", "warning", "error")


def show_messages(level: str | None = None) -> None:
    """Write the package's messages from a level on to standard error, with time and logger.

    Args:
        level: debug, info, warning or error; None: that of `CIVOS_SIAF_LOG`, and without it nothing changes.

    Raises:
        ValueError: another level.
    """
    name = (level or os.environ.get(VARIABLE, "")).lower()
    if not name:
        return
    if name not in LEVELS:
        raise ValueError(f"log={name}: the level is one of {', '.join(LEVELS)}")
    logger = logging.getLogger("civos_siaf")
    if not any(getattr(handler, "civos_siaf", False) for handler in logger.handlers):
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S"))
        handler.civos_siaf = True  # type: ignore[attr-defined]
        logger.addHandler(handler)
        logger.propagate = False
    logger.setLevel(name.upper())
