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
from civos_siaf.app.server.project_registry import ProjectRegistry
from civos_siaf.app.server.security import Guard, PublicUrl, host_names, is_loopback, new_token

MESSAGE_LIMIT = 2**16
"""Bytes of a WebSocket message; what a page sends has some fifty."""

EVERYWHERE = frozenset({"0.0.0.0", "::", ""})
GRACE_SECONDS = 5


class Tool(uvicorn.Server):
    """The annotation tool at an address; `run` serves until a signal or `should_exit`.

    Args:
        library: the projects; closed at the end.
        host: address to listen at. Other machines reach any but the loopback ones.
        port: 0 takes a free one.
        allowed_hosts: further names under which browsers reach the server, with a port where it is another.
        public_url: the address through a proxy, such as https://host/prefix; None: there is none.
        ready: called when requests are answered.

    Attributes:
        url: the address with its token.
        port: the one it listens at.

    Raises:
        ValueError: the address or port cannot be had.
    """

    def __init__(
        self,
        library: ProjectRegistry,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        allowed_hosts: Sequence[str] = (),
        public_url: str | None = None,
        ready: Callable[[], None] | None = None,
    ) -> None:
        public = PublicUrl.parse(public_url) if public_url else None
        self._library = library
        self._ready = ready
        self._listener = _listen(host, port)
        port = self.port = self._listener.getsockname()[1]
        name = socket.gethostname() if host in EVERYWHERE else host
        token = new_token()
        self.url = f"http://{f'[{name}]' if ':' in name else name}:{port}/{token}/"
        if public is not None:
            self.url = f"{public.origin}{public.prefix}/{token}/"
        hosts = host_names([name, *allowed_hosts], port)
        guard = Guard(create_app(library), token=token, hosts=hosts, public=public)
        super().__init__(
            uvicorn.Config(
                guard,
                log_level="warning",
                access_log=False,
                server_header=False,
                ws_max_size=MESSAGE_LIMIT,
                ws_per_message_deflate=False,  # packing states would hold up the event loop
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve."""
        super().run(sockets or [self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        if self._ready is not None:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cancel what models are at, then wait for the connections to end."""
        self._library.cancel()
        await super().shutdown(sockets)


def serve(
    library: ProjectRegistry,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    allowed_hosts: Sequence[str] = (),
    public_url: str | None = None,
    project: str | None = None,
    open_browser: bool = True,
    announce: Callable[[str], None] = print,
) -> None:
    """Serve the annotation tool until interrupted.

    Args:
        library: as `Tool`; so are host, port and allowed_hosts.
        host: address to listen at.
        port: 0 takes a free one.
        allowed_hosts: further names of this machine.
        public_url: as `Tool`.
        project: shown first; None shows the list.
        open_browser: whether a browser is sent there, if there is a screen.
        announce: told the address, and a warning where other machines can reach it.

    Raises:
        ValueError: the address or port cannot be had, or public_url is no address.
    """

    def ready() -> None:
        if open_browser and _has_screen():
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    tool = Tool(
        library, host=host, port=port, allowed_hosts=allowed_hosts, public_url=public_url, ready=ready
    )
    url = f"{tool.url}#{project}" if project else tool.url
    if not is_loopback(host):
        announce(
            "Warning: other machines can reach this server; the token in the address is the only protection."
        )
    announce(url)
    with contextlib.suppress(KeyboardInterrupt):  # how it is meant to end
        tool.run()


def _has_screen() -> bool:
    """Whether a browser can be seen here; without a screen some open in the terminal."""
    return sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        raise ValueError(f"cannot listen at {host}, port {port}: {error}") from error
