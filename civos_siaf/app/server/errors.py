"""What goes wrong in a request, in words for the person, and the status it is answered with."""

from __future__ import annotations

import errno

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class RequestError(Exception):
    """A request that cannot be done; `status` is that of HTTP, `message` is for the person."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class BodyTooLargeError(RequestError):
    """The body of a request is above the limit; `more` of it is still to come."""

    def __init__(self, message: str, *, more: bool) -> None:
        super().__init__(413, message)
        self.more = more


def of_system(error: OSError) -> RequestError:
    """What the person is told of a failure of the disk."""
    if error.errno in NO_SPACE:
        return RequestError(507, "The disk is full. Nothing was changed; free some space and try again.")
    return RequestError(500, f"The disk refused: {error.strerror or error}.")
