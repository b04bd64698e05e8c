"""Who may talk to the server: the token in the path, the Host and Origin of a request, and safe headers."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

TOKEN_BYTES = 24
_KNOWN = "public_url=https://... or allowed_hosts=[name:port]"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "style-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def new_token() -> str:
    """A fresh secret for the path of the page."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to `host`."""
    return host in ("localhost", "::1") or host.startswith("127.")


def host_names(names: Iterable[str], port: int) -> frozenset[str]:
    """What the Host header may say: each name with the port, or with a port of its own.

    Browsers leave the ports 80 and 443 out. Further names may be those of a proxy in front, so they are
    allowed without a port, too.

    >>> sorted(host_names(["tool.example"], 8000) - host_names([], 8000))
    ['tool.example', 'tool.example:8000']
    >>> sorted(host_names(["tool.example:8443"], 8000) - host_names([], 8000))
    ['tool.example:8443']
    """
    allowed = set()
    for name in (*LOOPBACK, *names):
        name = name.strip().lower()
        if name.count(":") > 1 and not name.startswith("["):
            name = f"[{name}]"
        has_port = name.rpartition(":")[2].isdigit() and not name.endswith("]")
        allowed.add(name if has_port else f"{name}:{port}")
        bare, _, own = name.rpartition(":") if has_port else (name, "", str(port))
        if own in ("80", "443") or (bare not in LOOPBACK and not has_port):
            allowed.add(bare)
    return frozenset(allowed)


@dataclass(frozen=True)
class PublicUrl:
    """The address by which browsers reach the server through a proxy, such as https://host/prefix.

    Attributes:
        origin: scheme and host, as browsers send it.
        host: what they send as Host.
        prefix: path before the token; empty, or with a slash in front and none behind.
    """

    origin: str
    host: str
    prefix: str

    @classmethod
    def parse(cls, text: str) -> PublicUrl:
        """Read an address.

        Raises:
            ValueError: it is none, or has more than scheme, host, port and path.
        """
        try:
            parts = urlsplit(text.strip())
            name, port = parts.hostname, parts.port
        except ValueError:
            name = None
        if not name or parts.scheme not in ("http", "https") or parts.query or parts.fragment or "@" in text:
            raise ValueError(f"public_url={text}: expected an address like https://host/prefix")
        usual = {"http": 80, "https": 443}[parts.scheme]
        host = f"[{name}]" if ":" in name else name
        host = host if port in (None, usual) else f"{host}:{port}"
        return cls(f"{parts.scheme}://{host}", host, parts.path.rstrip("/"))


class Guard:
    """Lets a request through to `app` if it knows the token and comes from a page of this server.

    The token is the first part of the path; whatever does not start with it gets the same bare 404. A
    request with the token must have an allowed Host (so that no foreign name can be pointed at the server)
    and, where the browser sends an Origin, one that is this host. A WebSocket must send one.

    Args:
        app: the application, which sees the token as its root path.
        token: the secret.
        hosts: allowed values of the Host header, with port, as `host_names` gives them.
        public: the address through a proxy. Its host and origin are allowed, and its prefix may be left in
            the path or taken off.
    """

    def __init__(
        self, app: ASGIApp, *, token: str, hosts: Iterable[str], public: PublicUrl | None = None
    ) -> None:
        self._app = app
        self._token = token.encode()
        self._prefix = f"/{token}"
        self._hosts = frozenset(hosts) | ({public.host} if public else set())
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope = self._without_public_prefix(scope)
        guarded = _with_headers(send)
        refusal = self._refusal(scope)
        if refusal is not None and scope["type"] == "websocket":
            await WebSocketClose(1008, refusal[1])(scope, receive, send)
        elif refusal is not None:
            status, text = refusal
            response = (
                PlainTextResponse("Not Found", 404)
                if status == 404
                else JSONResponse({"error": text}, status)
            )
            await response(scope, receive, guarded)
        elif scope["path"] == self._prefix and scope["type"] == "http":
            # Relative, as what a proxy puts before the path is not known.
            await RedirectResponse(f"{self._prefix[1:]}/")(scope, receive, guarded)
        else:
            inner = {**scope, "root_path": scope.get("root_path", "") + self._prefix}
            await self._app(inner, receive, guarded)

    def _without_public_prefix(self, scope: Scope) -> Scope:
        prefix = self._public.prefix if self._public else ""
        if not prefix or not scope["path"].startswith(f"{prefix}/"):
            return scope
        raw = scope.get("raw_path") or b""
        rest = {"path": scope["path"][len(prefix) :], "raw_path": raw.removeprefix(prefix.encode())}
        return {**scope, **rest}

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        first = scope["path"][1:].partition("/")[0]
        if not hmac.compare_digest(first.encode("utf-8", "surrogateescape"), self._token):
            return 404, ""
        if "\0" in scope["path"]:
            return 400, "An address has no zero bytes."
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return (
                403,
                f"This address is not known to the server; start it with {_KNOWN}.",
            )
        origins = headers.getlist("origin")
        if scope["type"] == "websocket" and not origins:
            return 403, "A WebSocket needs an Origin."
        ours = self._public.origin if self._public else None
        if any(_host_of(origin) != hosts[0].lower() and origin.lower() != ours for origin in origins):
            return 403, "The request comes from another site."
        return None


def _host_of(origin: str) -> str | None:
    """Host and port of an Origin header; None for `null` and what is no address."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or parts.path or parts.query or "@" in parts.netloc:
        return None
    return parts.netloc.lower()


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return guarded
