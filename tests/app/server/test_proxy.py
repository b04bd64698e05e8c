"""Behind a reverse proxy with HTTPS and a sub-path: pages, actions and WebSockets over real sockets."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from civos_siaf.app.server.launch import Tool
from civos_siaf.app.server.project_registry import ProjectRegistry
from civos_siaf.app.server.security import PublicUrl, host_names
from civos_siaf.methods import NearestColour
from tests.app.server.proxy import proxied

SITE = "label.example.org"
URL = f"https://{SITE}/tools/label/"


@pytest.fixture
def tool(clip: Path, tmp_path: Path) -> Iterator[tuple[Tool, str]]:
    library = ProjectRegistry(tmp_path / "projects", NearestColour())
    project = library.find_or_create(clip)
    tool = Tool(library, public_url=URL)
    thread = threading.Thread(target=tool.run)
    thread.start()
    while not tool.started:
        time.sleep(0.01)
    yield tool, project
    tool.should_exit = True
    thread.join()


def ask(
    port: int, path: str, method: str = "GET", body: object = None, host: str = SITE
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Host": host, **({"Origin": f"https://{SITE}"} if method == "POST" else {})}
    connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
    answer = connection.getresponse()
    if answer.status in (307, 308):
        return answer.status, answer.headers["location"].encode()
    return answer.status, answer.read()


@pytest.mark.parametrize(
    ("strips", "host"),
    [(True, None), (False, None), (True, "127.0.0.1:{port}")],
    ids=["prefix_off_host_kept", "prefix_and_host_kept", "host_replaced"],
)
def test_behind_a_proxy_with_a_sub_path(tool: tuple[Tool, str], strips: bool, host: str | None) -> None:
    served, project = tool
    assert served.url.startswith(URL)
    path = served.url.removeprefix(f"https://{SITE}")
    port = served.port
    named = host.format(port=port) if host else None
    with proxied(port, prefix="/tools/label", strips=strips, host=named) as proxy:
        status, page = ask(proxy.port, path)
        assert (status, b"<!doctype html" in page.lower()) == (200, True)
        assert ask(proxy.port, path.rstrip("/")) == (307, f"{path.strip('/').rpartition('/')[2]}/".encode())
        assert ask(proxy.port, f"{path}static/js/main.js")[0] == 200
        action = {"type": "add_object", "name": "dog"}
        status, _ = ask(proxy.port, f"{path}api/projects/{project}/actions", "POST", action)
        assert status == 200
        address = f"ws://{SITE}{path}api/projects/{project}/events"
        raw = socket.create_connection(("127.0.0.1", proxy.port))
        with connect(address, sock=raw, origin=f"https://{SITE}", open_timeout=5) as events:  # type: ignore[arg-type]
            assert json.loads(events.recv(5))
        assert ask(proxy.port, path, host="other.example")[0] == (403 if host is None else 200)


def test_other_origins_stay_out(tool: tuple[Tool, str]) -> None:
    served, project = tool
    path = served.url.removeprefix(f"https://{SITE}")
    with proxied(served.port, prefix="/tools/label") as proxy:
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
        headers = {"Host": SITE, "Origin": "https://evil.example"}
        connection.request("POST", f"{path}api/projects/{project}/actions", body="{}", headers=headers)
        assert connection.getresponse().status == 403


def test_names_without_a_port() -> None:
    assert SITE in host_names([SITE], 8000)
    assert SITE in host_names([f"{SITE}:443"], 8000)
    assert SITE not in host_names([f"{SITE}:8443"], 8000)
    assert "localhost" not in host_names([SITE], 8000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example", PublicUrl("https://a.example", "a.example", "")),
        ("https://a.example:443/x/y/", PublicUrl("https://a.example", "a.example", "/x/y")),
        ("http://A.example:8080/", PublicUrl("http://a.example:8080", "a.example:8080", "")),
        ("https://[::1]/x", PublicUrl("https://[::1]", "[::1]", "/x")),
    ],
)
def test_public_addresses(text: str, expected: PublicUrl) -> None:
    assert PublicUrl.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["a.example", "ftp://a", "https://", "https://u@a/", "https://a/?x=1", "https://a:b/"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="expected an address like https://host/prefix"):
        PublicUrl.parse(text)
