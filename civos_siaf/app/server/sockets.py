"""The WebSocket of a tab: events out, next to nothing in."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from civos_siaf.app.server.events import EventBroadcaster, EventQueue, Greeting
from civos_siaf.app.server.requests import RequestError, parse

UNSUPPORTED, TRY_AGAIN = 1003, 1013


async def serve(
    socket: WebSocket, hub: EventBroadcaster, greeting: Callable[[], Awaitable[Greeting]]
) -> None:
    """Send the events of a project until the tab goes, from before its greeting on.

    Malformed messages are answered with an error event; binary ones end the connection (1003).

    Args:
        socket: not accepted yet.
        hub: of the project.
        greeting: gives what it is told first.
    """
    line = hub.join()
    try:
        await socket.accept()
        line.greet(await greeting())
        async with anyio.create_task_group() as tasks:

            async def until_end(work: Awaitable[int | None]) -> None:
                with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it is gone already
                    code = await work
                    if code is not None:
                        await socket.close(code)
                tasks.cancel_scope.cancel()

            tasks.start_soon(until_end, _send(socket, line))
            tasks.start_soon(until_end, _listen(socket, line))
    finally:
        hub.leave(line)


async def _send(socket: WebSocket, line: EventQueue) -> int | None:
    while events := await line.take():
        for text in events:
            await socket.send_text(text)
    return TRY_AGAIN


async def _listen(socket: WebSocket, line: EventQueue) -> int | None:
    """Read what the tab says; the code to close with, None where it closed itself."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        text = message.get("text")
        if text is None:
            return UNSUPPORTED
        try:
            _understand(text)
        except RequestError as error:
            line.put("error", json.dumps({"type": "error", "message": error.message}))


def _understand(text: str) -> None:
    """Check a message of the page. It says which frame it looks at; nothing is made of that yet.

    Raises:
        RequestError: it is none of those that a page sends.
    """
    message = parse(text)
    if not isinstance(message, dict) or message.get("type") != "looking":
        raise RequestError(400, 'A message must be {"type": "looking", "frame": number}.')
    frame = message.get("frame")
    if isinstance(frame, bool) or not isinstance(frame, int) or frame < 0:
        raise RequestError(400, '"frame" must be a frame number.')
