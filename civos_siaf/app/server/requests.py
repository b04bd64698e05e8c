"""Bodies of requests, read up to a limit, and what goes wrong in a request, in words for the person."""

from __future__ import annotations

import asyncio
import errno
import json
import math
from collections.abc import AsyncIterator, Mapping

from fastapi import Request

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class RequestError(Exception):
    """A request that cannot be done; `status` is that of HTTP, `message` is for the person.

    `question` is what the page asks the person: {"option": name, "choices": {value: words}}.
    """

    def __init__(self, status: int, message: str, *, question: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.question = question


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


JSON_LIMIT = 4 * 2**20
"""Bytes of a JSON body; a mask of a 4K frame in run lengths fits."""


def announced(request: Request) -> int | None:
    """The Content-Length of a request, where there is one."""
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


async def chunks(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body as it arrives.

    Raises:
        BodyTooLargeError: it is longer than `limit` bytes, by its own word or in fact.
        RequestError: 400, it breaks off.
    """
    length = announced(request)
    if length is not None and length > limit:
        raise BodyTooLargeError(_too_large(length, limit), more=True)
    read, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise RequestError(400, "The connection broke off before everything had arrived.")
        chunk, more = message.get("body", b""), message.get("more_body", False)
        read += len(chunk)
        if read > limit:
            raise BodyTooLargeError(_too_large(read, limit), more=more)
        if chunk:
            yield chunk


async def whole(request: Request, limit: int) -> bytes:
    """The whole body, at most `limit` bytes.

    Raises:
        RequestError: as `chunks`.
    """
    return b"".join([chunk async for chunk in chunks(request, limit)])


async def json_object(request: Request, limit: int = JSON_LIMIT) -> Mapping[str, object]:
    """The body as a JSON object.

    Raises:
        RequestError: as `chunks`, or no object in strict JSON (400).
    """
    data = await whole(request, limit)
    value = parse(data) if len(data) < 2**16 else await asyncio.to_thread(parse, data)
    if not isinstance(value, dict):
        raise RequestError(400, f"The request must be a JSON object, it is {_kind(value)}.")
    return value


def parse(data: bytes | str) -> object:
    """Strict JSON: no NaN or Infinity, no number outside the floats, only text that UTF-8 can hold.

    Raises:
        RequestError: 400, with the place where it fails.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        value = json.loads(text, parse_constant=_no_number, parse_float=_finite)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise RequestError(400, "The request holds text that is not valid Unicode.") from None
    except RecursionError:
        raise RequestError(400, "The request is nested too deeply.") from None
    except ValueError as error:
        raise RequestError(400, f"The request is not valid JSON ({error}).") from None
    return value


def _too_large(length: int, limit: int) -> str:
    return f"Too large: {_size(length)}, the server takes at most {_size(limit)} (option max_upload)."


def _size(count: int) -> str:
    return f"{count / 2**20:,.0f} MB" if count >= 2**20 else f"{count:,} bytes"


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:30]} is too large for a number")
    return value


def _kind(value: object) -> str:
    names = {list: "a list", str: "a text", type(None): "null", bool: "true or false"}
    return names.get(type(value), "a number")
