"""Options that every command understands: `debug=true` for tracebacks, `log=LEVEL` for messages."""

import os

from civos_siaf.runtime.logging import VARIABLE as LOG_VARIABLE
from civos_siaf.runtime.logging import show_messages

VARIABLE = "CIVOS_SIAF_TRACEBACK"
"""Environment variable: 1 shows the traceback of an error that is told in one line otherwise."""


def take_debug_options(arguments: list[str]) -> None:
    """Take `debug=true` and `log=LEVEL`, which every command understands, out of the arguments.

    Raises:
        ValueError: no such level.
    """
    for argument in list(arguments):
        name, _, value = argument.partition("=")
        if name == "debug" and value.lower() in ("true", "false", "1", "0"):
            os.environ[VARIABLE] = "1" if value.lower() in ("true", "1") else "0"
            arguments.remove(argument)
        elif name == "log":
            os.environ[LOG_VARIABLE] = value
            arguments.remove(argument)
    show_messages()


def wants_traceback() -> bool:
    """Whether errors are to be shown with their traceback."""
    return os.environ.get(VARIABLE, "0").lower() in ("1", "true", "yes")
