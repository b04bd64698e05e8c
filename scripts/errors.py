"""One clear line in place of a traceback, for the mistakes of a caller."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.errors import InstantiationException


@contextmanager
def clear_errors() -> Iterator[None]:
    """End the script with the message of a wrong value or missing file, whoever raised it."""
    try:
        yield
    except InstantiationException as error:
        sys.exit(f"error: {error.__cause__ or error}")
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f"error: {error}")
