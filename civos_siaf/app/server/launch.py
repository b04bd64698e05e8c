"""Starting the server: a port, a secret address, a browser."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Sequence

import uvicorn

from civos_siaf.app.server.application import create_app
from civos_siaf.app.server.library import Library
from civos_siaf.app.server.security import Guard, host_names, is_loopback, new_token

MESSAGE_LIMIT = 2**16
"""Bytes of a WebSocket message; what a page sends has some fifty."""

EVERYWHERE = frozenset({"0.0.0.0", "::", ""})
GRACE_SECONDS = 5


def serve(
    library: Library,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    allowed_hosts: Sequence[str] = (),
    project: str | None = None,
    open_browser: bool = True,
    announce: Callable[[str], None] = print,
) -> None:
    """Serve the annotation tool until interrupted.

    Args:
        library: the projects; closed at the end.
        host: address to listen at. Other machines reach any but the loopback ones.
        port: 0 takes a free one.
        allowed_hosts: further names under which browsers reach the server, with a port where it is another.
        project: shown first; None shows the list.
        open_browser: whether a browser is sent there.
        announce: told the address and warnings, in sentences.

    Raises:
        ValueError: the address or port cannot be had.
    """
    listener = _listen(host, port)
    port = listener.getsockname()[1]
    name = socket.gethostname() if host in EVERYWHERE else host
    token = new_token()
    guard = Guard(create_app(library), token=token, hosts=host_names([name, *allowed_hosts], port))
    config = uvicorn.Config(
        guard,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws_max_size=MESSAGE_LIMIT,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    url = f"http://{f'[{name}]' if ':' in name else name}:{port}/{token}/"
    if project is not None:
        url += f"#{project}"
    if not is_loopback(host):
        announce("Other machines can reach this server: the token in the address is the only protection.")
    announce(url)

    def ready() -> None:
        if open_browser and _has_screen():
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    with contextlib.suppress(KeyboardInterrupt):  # how it is meant to end
        _Server(config, library, ready).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Says when it is ready, and cancels what models do before it waits for its connections to end."""

    def __init__(self, config: uvicorn.Config, library: Library, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._library = library
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._library.cancel()
        await super().shutdown(sockets)


def _has_screen() -> bool:
    """Whether a browser can be seen here; without a screen some open in the terminal."""
    return sys.platform in ("darwin", "win32") or any(
        os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY")
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=128
        )
    except (OSError, OverflowError) as error:
        raise ValueError(f"cannot listen at {host}, port {port}: {error}") from error
