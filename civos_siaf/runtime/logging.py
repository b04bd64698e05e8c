"""Messages of the package's own loggers, all below `civos_siaf`."""

from __future__ import annotations

import logging
import os
import sys

VARIABLE = "CIVOS_SIAF_LOG"
"""Environment variable with the level: debug, info, warning or error."""
LEVELS = ("debug", "info", "warning", "error")


class _StandardError(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to what standard error is at the time of a message: it may have been replaced since."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


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
    if not any(isinstance(handler, _StandardError) for handler in logger.handlers):
        handler = _StandardError()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S"))
        logger.addHandler(handler)
        logger.propagate = False
    logger.setLevel(name.upper())
