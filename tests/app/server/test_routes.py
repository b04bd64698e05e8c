import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from civos_siaf.app.server import runs
from civos_siaf.app.server.library import Library
from civos_siaf.masks import to_rle, write_png
from civos_siaf.methods import NearestColour
from civos_siaf.methods.nearest_colour import NearestColourSession
from civos_siaf.prompts import Prompts
from tests.app.server.conftest import HEIGHT, LENGTH, WIDTH


def act(client: TestClient, project: str, kind: str, **fields: object) -> dict[str, object]:
    answer = client.post(f"{project}/actions", json={"type": kind, **fields})
    assert answer.status_code == 200, answer.text
    state: dict[str, object] = answer.json()["state"]
    return state


def shown(client: TestClient, project: str, frame: int, version: str) -> np.ndarray:
    answer = client.get(f"{project}/labels/{frame}", params={"version": version})
    assert answer.status_code == 200, answer.text
    return runs.decode(answer.content, HEIGHT, WIDTH)


def test_a_whole_session(client: TestClient, project: str) -> None:
    act(client, project, "add_object", name="square")
    act(client, project, "click", frame=0, object=1, x=16, y=24)
    state = act(client, project, "click", frame=0, object=1, x=50, y=40, positive=False)
    preview = shown(client, project, 0, state["shown"]["frames"]["0"])
    assert preview[24, 16] == 1
    assert preview[40, 50] == 0
    state = act(client, project, "propagate")
    for t in range(LENGTH):
        assert shown(client, project, t, state["shown"]["base"])[24, 16 + 2 * t] == 1
    state = act(client, project, "undo")
    assert state["shown"]["base"] is None
    state = act(client, project, "redo")
    assert state["round"] == 1
    listed = client.get("api/projects").json()
    assert [(entry["name"], entry["num_frames"]) for entry in listed] == [("clip.mp4", LENGTH)]
    assert client.get(project).json() == state | {"busy": None}


def test_a_project_is_found_again_by_another_server(tmp_path: Path, clip: Path) -> None:
    from civos_siaf.app.server.application import create_app

    folder = tmp_path / "projects"
    states = []
    for _ in range(2):
        library = Library(folder, NearestColour())
        project = f"/api/projects/{library.find_or_create(clip)}"
        with TestClient(create_app(library)) as client:
            if not states:
                act(client, project, "add_object")
                act(client, project, "click", frame=0, object=1, x=16, y=24)
            states.append(client.get(project).json())
    states[0]["model"] = states[1]["model"]  # the second has not needed it yet
    assert states[0] == states[1]
    assert len(list(folder.glob("*/project.json"))) == 1


def test_a_project_that_is_open_elsewhere_is_told(
    tmp_path: Path, clip: Path, client: TestClient, library: Library
) -> None:
    from civos_siaf.app.project import Project

    project_id = library.find_or_create(clip)
    (entry,) = library.entries()
    other = Project.open(entry.folder)
    answer = client.get(f"api/projects/{project_id}")
    assert answer.status_code == 409
    assert "open in another program" in answer.json()["error"]
    other.close()
    assert client.get(f"api/projects/{project_id}").status_code == 200


def test_a_project_whose_video_is_gone_is_told(
    tmp_path: Path, clip: Path, client: TestClient, library: Library
) -> None:
    video = tmp_path / "mine.mp4"
    video.write_bytes(clip.read_bytes())
    project_id = library.find_or_create(video)
    video.unlink()
    answer = client.get(f"api/projects/{project_id}")
    assert answer.status_code == 409
    assert "missing" in answer.json()["error"]
    assert client.get("api/projects").json()[0]["id"] == project_id


def test_a_key_counts_once(client: TestClient, project: str) -> None:
    first = act(client, project, "add_object", key="k1")
    assert act(client, project, "add_object", key="k1") == first
    assert len(act(client, project, "add_object", key="k2")["objects"]) == 2


def test_what_never_changes_may_be_kept(client: TestClient, project: str) -> None:
    act(client, project, "add_object")
    state = act(client, project, "click", frame=0, object=1, x=16, y=24)
    version = state["shown"]["frames"]["0"]
    for path in ("frames/0", "thumbnails/0", f"labels/0?version={version}"):
        assert "immutable" in client.get(f"{project}/{path}").headers["cache-control"]
    for path in ("labels/0?version=live", "labels/0", ""):
        assert client.get(f"{project}/{path}".rstrip("/")).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("format", ["coco", "davis", "overlay"])
def test_an_export_is_made_and_fetched(client: TestClient, project: str, format: str) -> None:
    assert format in [entry["id"] for entry in client.get("api/formats").json()]
    act(client, project, "add_object")
    act(client, project, "click", frame=0, object=1, x=16, y=24)
    export = client.post(f"{project}/exports", json={"format": format, "options": {}}).json()["id"]
    for _ in range(200):
        answer = client.get(f"{project}/exports/{export}")
        if answer.status_code != 409:
            break
        time.sleep(0.02)
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    start = {"coco": b'{"info"', "davis": b"PK", "overlay": answer.content[:4]}[format]
    assert answer.content.startswith(start)
    assert len(answer.content) > 500


def test_wrong_exports_are_told(client: TestClient, project: str) -> None:
    for body in ({"format": "../x"}, {"format": 3}, {"format": "coco", "options": {"every": 0}}, {},
                 {"format": "coco", "options": []}, {"format": "coco", "options": {"path": "/etc"}}):  # fmt: skip
        answer = client.post(f"{project}/exports", json=body)
        assert answer.status_code == 400, body
        assert answer.json()["error"]


def label_png(labels: np.ndarray, tmp_path: Path) -> bytes:
    write_png(tmp_path / "m.png", labels)
    return (tmp_path / "m.png").read_bytes()


@pytest.fixture
def with_masks(library: Library) -> None:
    library._method = Takes()


class Takes(NearestColour):
    """Answers with the masks it is given."""

    def open(self, frames: object, *, num_objects: int) -> NearestColourSession:
        session = super().open(frames, num_objects=num_objects)  # type: ignore[arg-type]
        answer = session.interact

        def interact(prompts: Prompts) -> dict[int, np.ndarray]:
            found = answer(prompts) if not prompts.masks else {}
            for prompt in prompts.masks:
                if prompt.object_id == 200:
                    raise ValueError("not this one")
                labels = found.setdefault(prompt.frame, np.zeros(prompt.mask.shape, np.uint8))
                labels[prompt.mask] = prompt.object_id
            return found

        session.interact = interact  # type: ignore[method-assign, assignment]
        return session


@pytest.mark.usefixtures("with_masks")
def test_a_mask_is_imported(client: TestClient, project: str, tmp_path: Path) -> None:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[5:20, 5:30] = 3
    answer = client.post(f"{project}/imports?format=png&frame=2", content=label_png(labels, tmp_path))
    assert answer.status_code == 200, answer.text
    state = answer.json()["state"]
    assert len(state["objects"]) == 1
    assert np.array_equal(shown(client, project, 2, state["shown"]["frames"]["2"]) > 0, labels > 0)
    again = client.post(f"{project}/imports?format=png&frame=3", content=label_png(labels // 3, tmp_path))
    assert len(again.json()["state"]["objects"]) == 1  # object 1 is there


@pytest.mark.usefixtures("with_masks")
def test_an_import_that_fails_half_way_leaves_everything_as_it_was(
    client: TestClient, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(imported: object, numbers: object) -> Iterator[dict[str, object]]:
        rle = to_rle(np.ones((HEIGHT, WIDTH), bool))
        yield {"type": "mask", "frame": 2, "object": 1, "rle": rle}
        yield {"type": "mask", "frame": 2, "object": 99, "rle": rle}

    before = client.get(project).json()
    monkeypatch.setattr("civos_siaf.app.server.importing.mask_actions", twice)
    labels = np.ones((HEIGHT, WIDTH), np.uint8)
    answer = client.post(f"{project}/imports?format=png&frame=2", content=label_png(labels, tmp_path))
    assert answer.status_code == 400
    after = client.get(project).json()
    for key in ("objects", "prompts", "shown", "frames"):
        assert after[key] == before[key]


def test_wrong_imports_are_told(client: TestClient, project: str, tmp_path: Path) -> None:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    good = label_png(labels + 1, tmp_path)
    wrong = [
        ("png", "2", b""), ("png", "2", b"nothing"), ("png", "99", good), ("png", "x", good), ("gif", "2", good),
        ("png", "2", label_png(labels, tmp_path)), ("png", "2", label_png(labels[1:] + 1, tmp_path)),
        ("png", "2", good[:-30]), ("coco", "2", good), ("coco", "2", b"{}"), ("coco", "2", b'{"images": [1]}'),
        ("png", "2", b"PK\x03\x04" + bytes(100)), ("coco", "2", b'{"images":' + b"[" * 100_000),
    ]  # fmt: skip
    for format, frame, body in wrong:
        answer = client.post(f"{project}/imports?format={format}&frame={frame}", content=body)
        assert answer.status_code in (400, 422), (format, frame, body[:20], answer.text)
        assert 0 < len(answer.json()["error"]) < 500
        assert str(tmp_path) not in answer.json()["error"]
    assert client.get(project).json()["objects"] == []
    assert not list(tmp_path.rglob("*.part"))


def test_the_page_and_its_files(client: TestClient) -> None:
    page = client.get("")
    assert page.headers["content-type"].startswith("text/html")
    assert "<html" in page.text
    assert client.get("static/js/main.js").headers["content-type"].startswith("text/javascript")


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


BROKEN_BODIES = [b"", b"{", b"[]", b"null", b'"undo"', b'{"type": NaN}', b'{"type":"click","x":1e999}', b"\xff\xfe",
                 b"[" * 200_000, b'{"type":"add_object","name":"\\ud800"}']  # fmt: skip


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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.sampled_from(["click", "undo", "type"]),
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
              "....//", "%00", "x%00.mp4", "%252e%252e%252f", ".uploads", "%c0%ae%c0%ae", "~", "*", "a" * 3000,
              "%F0%9F%8E%AC", "con", "-1", "0x10", "1e3", "NaN", "٣", "9" * 5000]  # fmt: skip


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


class Slow(NearestColour):
    """Takes its time for a propagation, and notes how many run at once."""

    def __init__(self) -> None:
        super().__init__()
        self.running = self.most = 0
        self.started = threading.Event()

    def open(self, frames: object, *, num_objects: int) -> NearestColourSession:
        session = super().open(frames, num_objects=num_objects)  # type: ignore[arg-type]
        propagate = session.propagate

        def slow(progress: object) -> np.ndarray:
            self.running += 1
            self.most = max(self.most, self.running)
            self.started.set()
            try:
                for done in range(100):
                    time.sleep(0.01)
                    progress(done, 100)  # type: ignore[operator]
                return propagate()
            finally:
                self.running -= 1

        session.propagate = slow  # type: ignore[method-assign, assignment]
        return session


@pytest.fixture
def slow(library: Library) -> Slow:
    method = Slow()
    library._method = method
    return method


def test_cancelling_ends_a_propagation_and_leaves_the_state(
    client: TestClient, slow: Slow, project: str
) -> None:
    act(client, project, "add_object")
    before = act(client, project, "click", frame=0, object=1, x=16, y=24)
    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(client.post(f"{project}/actions", json={"type": "propagate"}))
    )
    thread.start()
    assert slow.started.wait(5)
    time.sleep(0.05)
    assert client.get(project).json()["busy"]["what"] == "propagating"
    assert client.get(f"{project}/frames/1").status_code == 200
    begin = time.monotonic()
    assert client.post(f"{project}/cancel", json={}).json() == {}
    thread.join(5)
    assert time.monotonic() - begin < 0.5
    assert answers[0].status_code == 409
    assert "ancelled" in answers[0].json()["error"]
    after = client.get(project).json()
    assert after["busy"] is None
    for key in ("prompts", "shown", "round", "undo"):
        assert after[key] == before[key]
    assert client.post(f"{project}/cancel", json={}).status_code == 200  # nothing under way: no harm


def test_two_projects_share_the_model_thread(client: TestClient, slow: Slow, clip: Path) -> None:
    projects = []
    for _ in range(2):
        answer = client.post("api/projects", content=clip.read_bytes())
        projects.append(f"api/projects/{answer.json()['id']}")
        act(client, projects[-1], "add_object")
        act(client, projects[-1], "click", frame=0, object=1, x=16, y=24)
    states: list[dict[str, object]] = []
    threads = [
        threading.Thread(target=lambda project=project: states.append(act(client, project, "propagate")))
        for project in projects
    ]
    for thread in threads:
        thread.start()
    assert slow.started.wait(5)
    for thread in threads:
        thread.join(20)
    assert [state["round"] for state in states] == [1, 1]
    assert slow.most == 1


def test_what_needs_no_model_is_done_beside_a_propagation(client: TestClient, slow: Slow, clip: Path) -> None:
    busy, other = (
        f"api/projects/{client.post('api/projects', content=clip.read_bytes()).json()['id']}"
        for _ in range(2)
    )
    act(client, busy, "add_object")
    act(client, busy, "click", frame=0, object=1, x=16, y=24)
    thread = threading.Thread(target=lambda: client.post(f"{busy}/actions", json={"type": "propagate"}))
    thread.start()
    assert slow.started.wait(5)
    begin = time.monotonic()
    act(client, other, "add_object")
    act(client, other, "undo")
    assert time.monotonic() - begin < 0.5
    assert slow.running == 1
    client.post(f"{busy}/cancel")
    thread.join(5)


def test_a_mistake_of_the_server_is_told_and_logged(
    client: TestClient, project: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: object, image: object) -> bytes:
        raise AssertionError("wrong inside")

    monkeypatch.setattr("civos_siaf.app.server.runs.encode", broken)
    act(client, project, "add_object")
    act(client, project, "click", frame=0, object=1, x=16, y=24)
    with caplog.at_level(logging.ERROR):
        answer = client.get(f"{project}/labels/0")
    assert answer.status_code == 500
    assert "wrong inside" not in answer.text
    assert "mistake" in answer.json()["error"]
    assert client.get(project).status_code == 200
