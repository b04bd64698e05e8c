"""A small reverse proxy over real sockets, with a sub-path, as nginx and Caddy are set up."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator


class Proxy:
    """Passes `http://127.0.0.1:port/prefix/...` on to a server; one connection, one request or WebSocket.

    Args:
        target: port of the server behind.
        prefix: path in front of what is passed on.
        strips: takes the prefix off.
        host: sent as Host in place of what the browser sent; None: what it sent.
    """

    def __init__(self, target: int, *, prefix: str, strips: bool, host: str | None) -> None:
        self._target, self._prefix, self._strips, self._host = target, prefix, strips, host
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, browser: socket.socket) -> None:
        with browser, contextlib.suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                data += browser.recv(65536)
            head, _, body = data.partition(b"\r\n\r\n")
            with socket.create_connection(("127.0.0.1", self._target)) as server:
                server.sendall(self._rewritten(head.decode()).encode() + b"\r\n\r\n" + body)
                threading.Thread(target=_pump, args=(browser, server), daemon=True).start()
                _pump(server, browser)

    def _rewritten(self, head: str) -> str:
        method, path, version = head.partition("\r\n")[0].split(" ")
        if self._strips:
            path = path.removeprefix(self._prefix)
        lines = [f"{method} {path} {version}", *head.split("\r\n")[1:]]
        if self._host is not None:
            lines = [re.sub(r"(?i)^host:.*", f"Host: {self._host}", line) for line in lines]
        if "upgrade: websocket" not in head.lower():
            lines.append("Connection: close")
        return "\r\n".join(lines)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            sink.sendall(block)
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def proxied(target: int, *, prefix: str, strips: bool = True, host: str | None = None) -> Iterator[Proxy]:
    """A running proxy."""
    proxy = Proxy(target, prefix=prefix, strips=strips, host=host)
    try:
        yield proxy
    finally:
        proxy.close()
