"""The server as it runs, spoken to over sockets: what a polite client would not send."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from civos_siaf.app.server.launch import Tool
from civos_siaf.app.server.project_registry import ProjectRegistry
from civos_siaf.app.server.responses import DRAIN_SECONDS
from civos_siaf.methods import NearestColour

LIMIT = 2_000_000


class Running:
    """A running server and how to speak to it."""

    def __init__(self, tool: Tool, library: ProjectRegistry, project: str) -> None:
        parts = urlsplit(tool.url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.tool, self.library, self.project = tool, library, project
        self.host, self.port, self.path = parts.hostname, parts.port, parts.path
        self.name = f"{self.host}:{self.port}"

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        connection.request("GET", self.path + path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def raw(self, data: bytes, *, wait: float = 5) -> bytes:
        """Send bytes as they are; what comes back until the server closes or has answered."""
        answer = b""
        connection = socket.create_connection((self.host, self.port), timeout=wait)
        with connection, contextlib.suppress(TimeoutError, ConnectionError):
            connection.sendall(data)
            while not _is_whole(answer) and (more := connection.recv(65536)):
                answer += more
        return answer

    def request(self, line: str, *headers: str) -> bytes:
        return "\r\n".join([f"{line} HTTP/1.1", f"Host: {self.name}", *headers, "", ""]).encode()

    def events(self, **change: str) -> ClientConnection:
        origin = change.get("origin", f"http://{self.name}")
        path = change.get("path", f"{self.path}api/projects/{self.project}/events")
        return connect(f"ws://{self.name}{path}", origin=origin or None, open_timeout=5)  # type: ignore[arg-type]

    def alive(self) -> bool:
        status, body = self.get(f"api/projects/{self.project}")
        return status == 200 and json.loads(body)["project"]["id"] == self.project


def _is_whole(answer: bytes) -> bool:
    """Whether an answer is there up to its announced end."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head.lower())
    return bool(end) and length is not None and len(body) >= int(length[1])


@pytest.fixture(scope="module")
def server(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    library = ProjectRegistry(tmp_path_factory.mktemp("live") / "projects", NearestColour(), max_upload=LIMIT)
    project = library.find_or_create(clip)
    started = threading.Event()
    tool = Tool(library, ready=started.set)
    thread = threading.Thread(target=tool.run, daemon=True)
    thread.start()
    assert started.wait(60)
    yield Running(tool, library, project)
    tool.should_exit = True
    thread.join(15)
    assert not thread.is_alive()


@pytest.fixture(autouse=True)
def lives_on(server: Running) -> Iterator[None]:
    yield
    assert server.alive()
    assert _uploads_left(server.library) == []


def _uploads_left(library: ProjectRegistry, wait: float = 10) -> list[Path]:
    """What lies among the uploads once it had time to go: an answer may come before the request has ended."""
    end = time.monotonic() + wait
    while (left := list(library.uploads.glob("*"))) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def test_a_gigabyte_is_refused_before_it_is_sent(server: Running) -> None:
    begin = time.monotonic()
    answer = server.raw(server.request(f"POST {server.path}api/projects?name=x", f"Content-Length: {2**30}"))
    assert time.monotonic() - begin < 4.5 < DRAIN_SECONDS
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"1,024 MB" in answer


@pytest.mark.parametrize("length", ["-1", "1e3", "99999999999999999999999", "0x10", "5, 6", " "])
def test_a_length_that_is_none_is_refused(server: Running, length: str) -> None:
    answer = server.raw(
        server.request(f"POST {server.path}api/projects", f"Content-Length: {length}") + b"x" * 10, wait=10
    )
    assert answer.startswith(b"HTTP/1.1 4")


def test_a_body_without_announced_end_is_stopped_at_the_limit(server: Running) -> None:
    chunk = b"%x\r\n" % 50_000 + bytes(50_000) + b"\r\n"
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.sendall(server.request(f"POST {server.path}api/projects", "Transfer-Encoding: chunked"))
        sent = 0
        answer = b""
        while not answer and sent < 2 * LIMIT:
            connection.settimeout(5)
            connection.sendall(chunk)
            sent += 50_000
            connection.settimeout(0.005)
            with contextlib.suppress(TimeoutError):
                answer = connection.recv(65536)
        connection.settimeout(10)
        assert (answer or connection.recv(65536)).startswith(b"HTTP/1.1 413")


def test_more_than_was_announced_is_no_part_of_the_upload(server: Running) -> None:
    request = server.request(f"POST {server.path}api/projects?name=x", "Content-Length: 4")
    assert server.raw(request + b"x" * 100_000).split()[1] in (b"422", b"400")


def test_an_upload_that_stops_holds_up_nobody_and_leaves_nothing(server: Running) -> None:
    with socket.create_connection((server.host, server.port)) as connection:
        connection.sendall(server.request(f"POST {server.path}api/projects", "Content-Length: 1000000"))
        connection.sendall(bytes(300_000))
        for _ in range(5):
            assert server.get(f"api/projects/{server.project}/frames/0")[0] == 200


@pytest.mark.parametrize(
    "path",
    ["static/../../../../../../etc/passwd", "static/%2e%2e/%2e%2e/server/security.py", "static//etc/passwd",
     "static/..%2f..%2fserver%2fsecurity.py", "static/js/..\\..\\..\\server\\security.py", "../x", "%2e%2e/x",
     "api/projects/../../../etc/passwd", "api/projects/%2e%2e%2f%2e%2e%2fetc", "static/js/main.js%00.png"],
)  # fmt: skip
def test_no_address_leaves_its_folder(server: Running, path: str) -> None:
    answer = server.raw(server.request(f"GET {server.path}{path}", "Connection: close"))
    assert answer.split()[1] in (b"400", b"404"), answer[:200]
    assert b"root:" not in answer
    assert b"hmac" not in answer


def test_without_the_token_nothing_is_said(server: Running) -> None:
    for path in ("/", "/api/projects", "/static/js/main.js", "/wrong/api/projects", "/favicon.ico"):
        answer = server.raw(server.request(f"GET {path}"))
        assert answer.startswith(b"HTTP/1.1 404")
        assert answer.endswith(b"Not Found")
        assert b"uvicorn" not in answer.lower()


def test_another_host_is_refused(server: Running) -> None:
    for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1", f"localhost:{server.port + 1}"):
        assert server.get("api/projects", Host=host)[0] == 403
    assert server.get("api/projects", Host=f"localhost:{server.port}")[0] == 200


@settings(max_examples=40)
@given(data=st.binary(min_size=1, max_size=200))
def test_garbage_in_place_of_http(server: Running, data: bytes) -> None:
    with socket.create_connection((server.host, server.port)) as connection:
        connection.sendall(data)
    assert server.alive()


def test_events_reach_a_real_client(server: Running) -> None:
    with server.events() as socket_:
        kinds = {json.loads(socket_.recv(timeout=5))["type"] for _ in range(2)}
        assert kinds == {"state", "machine"}
        assert json.loads(socket_.recv(timeout=5))["type"] == "machine"  # the beat


@pytest.mark.parametrize(
    "change",
    [{"origin": "http://evil.example"}, {"origin": "null"}, {"origin": ""}, {"path": "/wrong/api/x/events"}],
)
def test_events_need_token_and_origin(server: Running, change: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as refused:
        server.events(**change)
    assert refused.value.response.status_code == 403


def test_a_huge_message_ends_the_connection(server: Running) -> None:
    with server.events() as socket_:
        socket_.send("x" * 200_000)
        with pytest.raises(ConnectionClosed):
            _read_on(socket_)


def _read_on(connection: ClientConnection) -> None:
    for _ in range(20):
        connection.recv(timeout=5)


HANDSHAKE = (
    "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)  # fmt: skip


@settings(max_examples=40)
@given(data=st.binary(min_size=1, max_size=100))
def test_garbage_in_place_of_websocket_frames(server: Running, data: bytes) -> None:
    path = f"{server.path}api/projects/{server.project}/events"
    with socket.create_connection((server.host, server.port), timeout=5) as connection:
        origin = f"Origin: http://{server.name}"
        connection.sendall(server.request(f"GET {path}", origin, *HANDSHAKE))
        assert connection.recv(15).startswith(b"HTTP/1.1 101")
        connection.sendall(data)
    assert server.alive()


def test_many_requests_at_once(server: Running) -> None:
    statuses: list[int] = []

    def ask(number: int) -> None:
        statuses.append(server.get(f"api/projects/{server.project}/frames/{number % 6}")[0])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert statuses == [200] * 60


def test_it_listens_on_this_machine_only(server: Running) -> None:
    assert server.host == "127.0.0.1"
    other = next((entry[4][0] for entry in _addresses() if not str(entry[4][0]).startswith("127.")), None)
    if other is None or os.environ.get("NO_NETWORK"):
        pytest.skip("this machine has no other address")
    with pytest.raises(OSError):  # noqa: PT011 - refused or unreachable
        socket.create_connection((str(other), server.port), timeout=1)


def _addresses() -> list[tuple[object, object, object, str, tuple[object, ...]]]:
    try:
        return list(socket.getaddrinfo(socket.gethostname(), 0, socket.AF_INET))
    except OSError:
        return []


def test_a_port_that_is_taken_is_told(server: Running, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"cannot listen at 127.0.0.1, port {server.port}"):
        Tool(ProjectRegistry(tmp_path, NearestColour()), port=server.port)
