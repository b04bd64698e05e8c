import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from civos_siaf.app.server.security import Guard, host_names, is_loopback, new_token

TOKEN = "s3cret-token"
HOST = "localhost:8000"


async def page(request: Request) -> Response:
    return PlainTextResponse("in")


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("in")
    await socket.close()


@pytest.fixture
def client() -> TestClient:
    app = Starlette(
        routes=[Route("/", page), Route("/a", page, methods=["GET", "POST"]), WebSocketRoute("/ws", talk)]
    )
    guard = Guard(app, token=TOKEN, hosts=host_names(["tool.example:443"], 8000))
    return TestClient(guard, base_url=f"http://{HOST}", follow_redirects=False)


def test_the_token_opens(client: TestClient) -> None:
    assert client.get(f"/{TOKEN}/").text == "in"
    assert client.get(f"/{TOKEN}/a").text == "in"
    assert client.get(f"/{TOKEN}/b").status_code == 404


def test_without_the_slash_the_page_is_pointed_to(client: TestClient) -> None:
    answer = client.get(f"/{TOKEN}")
    assert answer.status_code == 307
    assert answer.headers["location"] == f"{TOKEN}/"  # relative, for proxies with a path of their own


@pytest.mark.parametrize(
    "path",
    ["/", "", "/a", f"/{TOKEN[:-1]}/a", f"/{TOKEN}x/a", f"//{TOKEN}/a", f"/{TOKEN.upper()}/a", "/%C3%BC/a",
     "/%00/a", "/%FF/a", f"/x/../{TOKEN}/", f"/./{TOKEN}/"],
)  # fmt: skip
def test_other_paths_all_get_the_same_404(client: TestClient, path: str) -> None:
    answer = client.get(f"http://{HOST}{path}")
    nothing = client.get("/nothing")
    if TOKEN in str(answer.request.url.path.split("/")[1:2]):  # the client itself resolved the dots
        return
    assert (answer.status_code, answer.content) == (404, nothing.content)
    assert dict(answer.headers) == dict(nothing.headers)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost", "localhost:8001", "localhost:8000.evil.example", ""]
)
def test_another_host_is_refused(client: TestClient, host: str) -> None:
    answer = client.get(f"/{TOKEN}/", headers={"Host": host})
    assert answer.status_code == 403
    assert "error" in answer.json()


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "LOCALHOST:8000", "[::1]:8000", "tool.example:443"])
def test_known_hosts_may(client: TestClient, host: str) -> None:
    assert client.get(f"/{TOKEN}/", headers={"Host": host}).status_code == 200


BAD_ORIGINS = [
    "null", "http://evil.example", f"http://{HOST}.evil.example", "http://localhost:8001", f"ftp://{HOST}",
    f"http://me@{HOST}", "http://[", f"http://{HOST}/path", "",
]  # fmt: skip


@pytest.mark.parametrize("origin", BAD_ORIGINS)
def test_another_origin_is_refused(client: TestClient, origin: str) -> None:
    assert client.post(f"/{TOKEN}/a", headers={"Origin": origin}).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(f"/{TOKEN}/ws", headers={"Origin": origin}),
    ):
        pass


def test_its_own_origin_may(client: TestClient) -> None:
    assert client.post(f"/{TOKEN}/a", headers={"Origin": f"http://{HOST}"}).status_code == 200
    with client.websocket_connect(
        f"/{TOKEN}/ws", headers={"Host": HOST, "Origin": f"http://{HOST}"}
    ) as socket:
        assert socket.receive_text() == "in"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"/{TOKEN}/ws", {"Host": HOST}),
        ("/ws", {"Host": HOST, "Origin": f"http://{HOST}"}),
        ("/wrong/ws", {"Host": HOST, "Origin": f"http://{HOST}"}),
        (f"/{TOKEN}/ws", {"Host": "evil.example", "Origin": "http://evil.example"}),
    ],
)
def test_a_websocket_needs_token_host_and_origin(
    client: TestClient, path: str, headers: dict[str, str]
) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(path, headers=headers):
        pass


def test_every_answer_has_the_safe_headers(client: TestClient) -> None:
    for path in (f"/{TOKEN}/", f"/{TOKEN}/nothing", "/nothing"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_two_host_headers_are_refused() -> None:
    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": f"/{TOKEN}/", "query_string": b"",
        "headers": [(b"host", HOST.encode()), (b"host", b"evil.example")],
    }  # fmt: skip
    guard = Guard(Starlette(), token=TOKEN, hosts=[HOST])
    asyncio.run(guard(scope, None, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 403


def test_tokens_are_long_and_new_each_time() -> None:
    tokens = {new_token() for _ in range(50)}
    assert len(tokens) == 50
    assert min(map(len, tokens)) >= 32


def test_loopback() -> None:
    assert all(map(is_loopback, ["127.0.0.1", "127.1.2.3", "localhost", "::1"]))
    assert not any(map(is_loopback, ["0.0.0.0", "192.168.1.2", "", "::", "tool.example"]))


def test_names_of_hosts() -> None:
    assert {"[fe80::1]:80", "[fe80::1]", "pc:80", "pc", "pc:9"} <= host_names(["fe80::1", "PC", "pc:9"], 80)
