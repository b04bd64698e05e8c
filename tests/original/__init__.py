"""The original toolkit, davisinteractive 1.0.4, unmodified in an environment of its own (GPL; optional).

Nothing here is needed to evaluate. It serves to compare the two live, and to evaluate through the original's
own session for those who insist.
"""

from tests.original.client import OriginalError, OriginalSession, OriginalToolkit
from tests.original.environment import NoSuitablePythonError, create

__all__ = ["NoSuitablePythonError", "OriginalError", "OriginalSession", "OriginalToolkit", "create"]
