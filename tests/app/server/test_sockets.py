from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from civos_siaf.app.document.actions import AddObject
from civos_siaf.app.exports import export_file
from civos_siaf.app.server.events import PATIENCE, EventQueue, Greeting
from civos_siaf.app.server.project_registry import ProjectRegistry
from civos_siaf.app.server.project_service import ProjectService
from civos_siaf.methods.nearest_colour import NearestColourSession
from civos_siaf.protocol import LabelVideo, Progress
from tests.app.server.asking import act
from tests.app.server.conftest import HOST, LENGTH, TOKEN
from tests.waiting import wait_until

HEADERS = {"Host": HOST, "Origin": f"http://{HOST}"}


@contextmanager
def tab(client: TestClient, project: str) -> Iterator[WebSocketTestSession]:
    with client.websocket_connect(f"/{TOKEN}/{project}/events", headers=HEADERS) as socket:
        yield socket


def until(socket: WebSocketTestSession, kind: str) -> list[dict[str, Any]]:
    events = []
    while not events or events[-1]["type"] != kind:
        events.append(json.loads(socket.receive_text()))
    return events


def test_a_tab_is_greeted_with_the_state(client: TestClient, project: str) -> None:
    act(client, project, "add_object", name="cat")
    with tab(client, project) as socket:
        state, machine = (json.loads(socket.receive_text()) for _ in range(2))
    assert state["type"] == "state"
    assert state["state"]["objects"][0]["name"] == "cat"
    assert machine["type"] == "machine"
    assert machine["rss"] > 10_000_000
    assert machine["queue"] == 0


def test_all_tabs_see_the_same_state(client: TestClient, project: str) -> None:
    with tab(client, project) as one, tab(client, project) as two:
        for socket in (one, two):
            until(socket, "machine")
        state = act(client, project, "add_object", name="dog")
        for socket in (one, two):
            assert until(socket, "state")[-1]["state"] == state


def test_a_propagation_tells_progress_frames_and_end(client: TestClient, project: str) -> None:
    act(client, project, "add_object")
    act(client, project, "click", frame=0, object=1, x=16, y=24)
    with tab(client, project) as socket:
        until(socket, "machine")
        act(client, project, "propagate")
        events = until(socket, "state")
    kinds = {event["type"] for event in events}
    assert {"busy", "idle", "state"} <= kinds
    busy = [event for event in events if event["type"] == "busy"]
    assert busy[-1]["total"] == LENGTH
    assert busy[-1]["what"] in ("propagating", "writing")
    assert events[-1]["state"]["round"] == 1


def test_an_export_tells_its_end(client: TestClient, project: str) -> None:
    with tab(client, project) as socket:
        export = client.post(f"{project}/exports", json={"format": "coco"}).json()["id"]
        events = [event for event in _until_finished(socket) if event["type"] == "export"]
    assert {event["id"] for event in events} == {export}
    assert "error" not in events[-1]


def test_an_export_that_fails_says_why(
    client: TestClient, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("civos_siaf.app.server.export_jobs.export_file", fail)
    with tab(client, project) as socket:
        export = client.post(f"{project}/exports", json={"format": "coco"}).json()["id"]
        events = _until_finished(socket)
    assert "disk is full" in events[-1]["error"]
    assert client.get(f"{project}/exports/{export}").status_code == 404


class Held:
    """Exports that wait at one of their steps, and go on when told to."""

    def __init__(self, at: int) -> None:
        self.at, self.begun, self.go = at, threading.Event(), threading.Event()

    def export(self, *arguments: Any, progress: Progress, **options: Any) -> Path:
        count = 0

        def held(done: int, total: int) -> None:
            nonlocal count
            count += 1
            if count == self.at:
                self.begun.set()
                assert self.go.wait(10)
            progress(done, total)

        return export_file(*arguments, progress=held, **options)


@pytest.mark.parametrize(("format", "at"), [("davis", 1), ("davis", LENGTH + 2), ("coco", 2), ("overlay", 3)])
def test_a_cancelled_export_leaves_nothing(
    client: TestClient,
    project: str,
    library: ProjectRegistry,
    monkeypatch: pytest.MonkeyPatch,
    format: str,
    at: int,
) -> None:
    held = Held(at)
    monkeypatch.setattr("civos_siaf.app.server.export_jobs.export_file", held.export)
    with tab(client, project) as socket:
        export = client.post(f"{project}/exports", json={"format": format}).json()["id"]
        assert held.begun.wait(10)
        waiting = client.post(f"{project}/exports", json={"format": "coco"}).json()["id"]
        for number in (waiting, export):
            assert client.post(f"{project}/exports/{number}/cancel", json={}).status_code == 200
        held.go.set()
        ends = [_until_finished(socket)[-1] for _ in range(2)]
    assert [(end["id"], end["cancelled"]) for end in ends] == [(waiting, True), (export, True)]
    for number in (waiting, export):
        assert client.get(f"{project}/exports/{number}").status_code == 404
        assert client.post(f"{project}/exports/{number}/cancel", json={}).status_code == 404
    (folder,) = library.folder.rglob(".exports-*")
    assert list(folder.iterdir()) == []


def test_an_export_shows_the_moment_it_was_begun_whatever_is_done_meanwhile(
    client: TestClient,
    project: str,
    library: ProjectRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def exported(number: str) -> list[object]:
        answer = client.get(f"{project}/exports/{number}")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["annotations"])

    act(client, project, "add_object")
    act(client, project, "click", frame=0, object=1, x=16, y=24)
    base = act(client, project, "propagate")["shown"]["base"]  # type: ignore[index]
    with tab(client, project) as socket:
        before = client.post(f"{project}/exports", json={"format": "coco"}).json()["id"]
        _until_finished(socket)
        held = Held(1)
        monkeypatch.setattr("civos_siaf.app.server.export_jobs.export_file", held.export)
        first = client.post(f"{project}/exports", json={"format": "coco"}).json()["id"]
        assert held.begun.wait(10)
        second, third = (
            client.post(f"{project}/exports", json={"format": "coco"}).json()["id"] for _ in range(2)
        )
        act(client, project, "undo")
        act(client, project, "review", frame=0, status="doubtful")  # from here no redo leads back
        client.post(f"{project}/exports/{third}/cancel", json={})
        held.go.set()
        ends: dict[str, dict[str, Any]] = {}
        while ends.keys() < {first, second, third}:
            end = _until_finished(socket)[-1]
            ends[end["id"]] = end
    assert "cancelled" in ends[third]
    assert len(exported(before)) == LENGTH
    assert exported(first) == exported(second) == exported(before)
    (masks,) = library.folder.glob("*/masks")
    wait_until(lambda: not (masks / base).exists())


def test_a_finished_export_cannot_be_cancelled(client: TestClient, project: str) -> None:
    with tab(client, project) as socket:
        export = client.post(f"{project}/exports", json={"format": "coco"}).json()["id"]
        _until_finished(socket)
    answer = client.post(f"{project}/exports/{export}/cancel", json={})
    assert answer.status_code == 409
    assert "finished already" in answer.json()["error"]
    assert client.get(f"{project}/exports/{export}").status_code == 200


def _until_finished(socket: WebSocketTestSession) -> list[dict[str, Any]]:
    events = until(socket, "export")
    while not events[-1].get("finished"):
        events += until(socket, "export")
    return events


MALFORMED = [
    "", "{", "[]", "null", "NaN", "[" * 50_000, "\0", '{"type": "fly"}', '{"type": "looking"}',
    '{"type":"looking","frame":-1}', '{"type":"looking","frame":true}', '{"type":"looking","frame":1.5}',
]  # fmt: skip


def test_malformed_messages_are_answered_and_the_tab_goes_on(client: TestClient, project: str) -> None:
    with tab(client, project) as socket:
        until(socket, "machine")
        for text in MALFORMED:
            socket.send_text(text)
            assert until(socket, "error")[-1]["message"], text
        socket.send_text('{"type":"looking","frame":2}')
        act(client, project, "add_object")
        assert until(socket, "state")


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(messages=st.lists(st.text(max_size=30) | st.binary(max_size=30), min_size=1, max_size=5))
def test_whatever_a_tab_sends_the_server_lives(
    client: TestClient, project: str, messages: list[str | bytes]
) -> None:
    with tab(client, project) as socket:
        until(socket, "machine")
        for message in messages:
            if isinstance(message, str):
                socket.send_text(message)
                assert until(socket, "error")
            else:
                socket.send_bytes(message)
                with pytest.raises(WebSocketDisconnect) as gone:
                    until(socket, "never")
                assert gone.value.code == 1003
                break
    assert client.get(project).status_code == 200


@pytest.mark.parametrize("name", ["nothing", "..%2f..", "%00", "a" * 2000])
def test_a_project_that_is_not_there_has_no_events(client: TestClient, name: str) -> None:
    with pytest.raises(WebSocketDisconnect), tab(client, f"api/projects/{name}"):
        pass


def test_a_tab_that_closes_in_mid_propagation_loses_nothing(
    client: TestClient, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    propagate, go_on = NearestColourSession.propagate, threading.Event()

    def held(self: NearestColourSession, progress: Progress) -> LabelVideo:
        progress(0, LENGTH)
        assert go_on.wait(20)
        return propagate(self, progress)

    monkeypatch.setattr(NearestColourSession, "propagate", held)
    act(client, project, "add_object")
    act(client, project, "click", frame=0, object=1, x=16, y=24)
    with ThreadPoolExecutor(1) as pool:
        with tab(client, project) as socket:
            until(socket, "machine")
            propagated = pool.submit(act, client, project, "propagate")
            until(socket, "busy")
        assert not propagated.done()
        go_on.set()
        assert propagated.result(20)["round"] == 1


def test_a_slow_tab_gets_only_the_newest_of_what_is_replaced() -> None:
    line = EventQueue()
    for text in ("state 1", "busy 1", "arrived 1", "state 2", "arrived 2"):
        line.put(text.split()[0], text)
    assert _take(line) == ["busy 1", "arrived 1", "state 2", "arrived 2"]
    for number in range(PATIENCE + 1):
        line.put("arrived", str(number))
    assert line.lost
    assert _take(line) == []


def _state(revision: int) -> tuple[str, str]:
    return "state", json.dumps({"type": "state", "state": {"revision": revision}})


@pytest.mark.parametrize(("found", "waits", "told"), [(2, 1, 2), (1, 2, 2), (1, 1, 1)])
def test_what_came_before_the_greeting_was_made_is_told_in_order(found: int, waits: int, told: int) -> None:
    line = EventQueue()
    line.put("arrived", "before")
    line.put(*_state(waits))
    line.greet([_state(found), ("machine", "well")])
    line.put("arrived", "after")
    assert _take(line) == ["before", _state(told)[1], "well", "after"]


def test_the_state_of_the_greeting_is_told_once() -> None:
    line = EventQueue()
    line.greet([_state(3)])
    assert _take(line) == [_state(3)[1]]
    for revision in (3, 4, 3):  # the event of what was greeted with, and then others
        line.put(*_state(revision))
        line.put("arrived", str(revision))
    assert _take(line) == ["3", "4", _state(3)[1], "3"]


def test_what_happens_while_a_tab_is_greeted_is_told(
    client: TestClient, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    greeting = ProjectService.greeting

    async def late(self: ProjectService) -> Greeting:
        found = await greeting(self)
        await self.act(AddObject("cat"), None)
        await asyncio.sleep(0)  # it is told
        return found

    monkeypatch.setattr(ProjectService, "greeting", late)
    with tab(client, project) as socket:
        events = until(socket, "machine") + until(socket, "machine")
    states = [event["state"] for event in events if event["type"] == "state"]
    assert [entry["name"] for entry in states[-1]["objects"]] == ["cat"]
    assert [state["revision"] for state in states] == sorted({state["revision"] for state in states})


def _take(line: EventQueue) -> list[str]:
    return asyncio.run(line.take())


def test_uploads_make_no_events_elsewhere(client: TestClient, project: str, clip: Path) -> None:
    with tab(client, project) as socket:
        until(socket, "machine")
        assert client.post("api/projects", content=clip.read_bytes()).status_code == 201
        state = act(client, project, "add_object")
        assert until(socket, "state")[-1]["state"] == state
