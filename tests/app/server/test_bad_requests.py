import json
import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.app.server.asking import act
from tests.app.server.conftest import HEIGHT, WIDTH


def test_wrong_exports_are_told(client: TestClient, project: str) -> None:
    for body in (
        {}, {"format": "../x"}, {"format": 3}, {"format": "coco", "options": {"every": 0}},
        {"format": "coco", "options": []}, {"format": "coco", "options": {"path": "/etc"}},
    ):  # fmt: skip
        answer = client.post(f"{project}/exports", json=body)
        assert answer.status_code == 400, body
        assert answer.json()["error"]


WRONG_ACTIONS = [
    {}, {"type": "fly"}, {"type": ["click"]}, {"type": None}, {"type": "click"},
    {"type": "click", "frame": "0", "object": 1, "x": 1, "y": 1},
    {"type": "click", "frame": 99, "object": 1, "x": 1, "y": 1},
    {"type": "click", "frame": 0, "object": 1, "x": 1e300, "y": 1},
    {"type": "click", "frame": 0, "object": 1, "x": -1, "y": 1},
    {"type": "click", "frame": 0, "object": 7, "x": 1, "y": 1},
    {"type": "click", "frame": True, "object": 1, "x": 1, "y": 1},
    {"type": "click", "frame": 0, "object": 1, "x": 1, "y": 1, "path": "/etc/passwd"},
    {"type": "scribble", "frame": 0, "object": 1, "points": []},
    {"type": "scribble", "frame": 0, "object": 1, "points": [[1, 2, 3]]},
    {"type": "scribble", "frame": 0, "object": 1, "points": [[1, 2]] * 10_001},
    {"type": "mask", "frame": 0, "object": 1, "rle": {"size": [10**9, 10**9], "counts": "x"}},
    {"type": "mask", "frame": 0, "object": 1, "rle": {"size": [HEIGHT, WIDTH], "counts": "!!"}},
    {"type": "change_object", "object": 1, "colour": "red;"},
    {"type": "add_object", "name": "x" * 201}, {"type": "undo", "key": ""}, {"type": "undo", "key": 3},
    {"type": "undo", "key": "k" * 1000},
]  # fmt: skip


@pytest.mark.parametrize("action", WRONG_ACTIONS, ids=lambda action: str(action)[:60])
def test_wrong_actions_are_told_and_change_nothing(client: TestClient, project: str, action: object) -> None:
    act(client, project, "add_object")
    before = client.get(project).json()
    answer = client.post(f"{project}/actions", json=action)
    assert answer.status_code in (400, 409, 422)
    assert 0 < len(answer.json()["error"]) < 400
    assert client.get(project).json() == before


BROKEN_BODIES = [b"", b"{", b"[]", b"null", b'"undo"', b'{"type": NaN}', b'{"type":"click","x":1e999}',
                 b"\xff\xfe", b"[" * 200_000, b'{"type":"add_object","name":"\\ud800"}']  # fmt: skip


@pytest.mark.parametrize("body", BROKEN_BODIES, ids=lambda body: repr(body[:20]))
def test_broken_json_is_told(client: TestClient, project: str, body: bytes) -> None:
    for path in ("actions", "exports"):
        answer = client.post(f"{project}/{path}", content=body)
        assert answer.status_code == 400
        assert answer.json()["error"]
    assert client.get(project).status_code == 200


def test_a_huge_body_is_refused(client: TestClient, project: str) -> None:
    answer = client.post(f"{project}/actions", content=b" " * (5 * 2**20))
    assert answer.status_code == 413


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(body=st.binary(max_size=60) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.sampled_from(["click", "undo"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["type", "frame", "object", "x", "y", "points", "rle", "key"]), inner),
    max_leaves=8,
))  # fmt: skip
def test_whatever_is_sent_the_server_answers_in_words(client: TestClient, project: str, body: object) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post(f"{project}/actions", content=data)
    assert answer.status_code in (200, 400, 409, 422)
    if answer.status_code != 200:
        assert isinstance(answer.json()["error"], str)


TRAVERSALS = ["..", "../..", "..%2f..%2fetc%2fpasswd", "%2e%2e", "%2e%2e%2f", "..%5c..%5c", "%2fetc%2fpasswd",
              "....//", "%00", "x%00.mp4", "%252e%252e%252f", ".uploads", "%c0%ae%c0%ae", "~", "*",
              "a" * 3000, "%F0%9F%8E%AC", "con", "-1", "0x10", "1e3", "NaN", "٣", "9" * 5000]  # fmt: skip


@pytest.mark.parametrize("text", TRAVERSALS, ids=lambda text: text[:24])
def test_no_parameter_is_a_path(client: TestClient, project: str, text: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    addresses = [
        f"api/projects/{text}", f"api/projects/{text}/frames/0", f"{project}/frames/{text}",
        f"{project}/thumbnails/{text}", f"{project}/labels/{text}", f"{project}/labels/0?version={text}",
        f"{project}/exports/{text}", f"static/{text}", f"static/js/{text}/../../../server/security.py", text,
    ]  # fmt: skip
    for address in addresses:
        answer = client.get(f"{client.base_url}{address}")
        assert answer.status_code in (200, 400, 403, 404, 409, 422), address
        assert b"root:" not in answer.content
        assert b"secret" not in answer.content
        assert b"hmac" not in answer.content
        if answer.status_code == 200:  # a client that resolves dots asks for something else
            assert answer.headers["content-type"].startswith(("application/json", "text/html"))
    for address in (
        f"api/projects/{text}/actions",
        f"api/projects/{text}/cancel",
        f"{project}/imports?format={text}",
    ):
        assert client.post(f"{client.base_url}{address}", json={"type": "undo"}).status_code in (
            400,
            404,
            405,
            422,
        )
    assert client.get(project).status_code == 200


def test_addresses_and_methods_that_are_not_there(client: TestClient, project: str) -> None:
    for path in (
        "docs",
        "openapi.json",
        "redoc",
        "api",
        "api/",
        "api/projects/nothing",
        "static/",
        "static/nothing",
    ):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert answer.json()["error"]
    assert client.delete(project).status_code == 405
    assert client.put(f"{project}/actions", json={}).status_code == 405


def test_labels_that_are_not_there(client: TestClient, project: str) -> None:
    for path in (
        "labels/0",
        "labels/0?version=r99",
        "labels/99",
        "labels/-1",
        f"labels/0?version={'x' * 65}",
    ):
        assert client.get(f"{project}/{path}").status_code in (404, 422), path


def test_a_mistake_of_the_server_is_told_and_logged(
    client: TestClient, project: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: object, image: object) -> bytes:
        raise AssertionError("wrong inside")

    monkeypatch.setattr("civos_siaf.app.server.label_codec.encode_runs", broken)
    act(client, project, "add_object")
    act(client, project, "click", frame=0, object=1, x=16, y=24)
    with caplog.at_level(logging.ERROR):
        answer = client.get(f"{project}/labels/0")
    assert answer.status_code == 500
    assert "wrong inside" not in answer.text
    assert "mistake" in answer.json()["error"]
    assert client.get(project).status_code == 200
