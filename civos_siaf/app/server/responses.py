"""Answers: JSON that is text already, bytes that never change, errors for the person."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

IMMUTABLE = "private, max-age=31536000, immutable"
NO_STORE = "no-store"
DRAIN_SECONDS = 5.0


def json_text(text: str) -> Response:
    """JSON that is encoded already."""
    return Response(text, media_type="application/json")


def unchanging(data: bytes, media_type: str) -> Response:
    """Bytes that this address will always give; the browser need not ask again."""
    return Response(data, media_type=media_type, headers={"Cache-Control": IMMUTABLE})


class EarlyRefusal(JSONResponse):
    """Refuses a body that is still on its way.

    The answer goes out at once. What comes is thrown away for some seconds before the connection ends:
    a browser that is cut off while it sends shows no answer at all.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, then drain."""
        self.headers["Connection"] = "close"
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(_drain(receive), DRAIN_SECONDS)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drain(receive: Receive) -> None:
    while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
        pass
