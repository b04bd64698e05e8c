import threading
import time
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from civos_siaf.app.server.application import create_app
from civos_siaf.app.server.project_registry import ProjectRegistry
from civos_siaf.methods import NearestColour
from civos_siaf.methods.nearest_colour import NearestColourSession
from tests.app.server.asking import act
from tests.waiting import wait_until

CANCELLED = 3000
"""Steps of a propagation that takes half a minute where nobody cancels it."""


class Slow(NearestColour):
    """Takes its time for a propagation, `steps` times 10 ms, and notes how many run at once."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 100
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
                for done in range(self.steps):
                    time.sleep(0.01)
                    progress(done, self.steps)  # type: ignore[operator]
                return propagate()
            finally:
                self.running -= 1

        session.propagate = slow  # type: ignore[method-assign, assignment]
        return session


@pytest.fixture
def slow(library: ProjectRegistry) -> Slow:
    method = Slow()
    library._method = method
    return method


def test_cancelling_ends_a_propagation_and_leaves_the_state(
    client: TestClient, slow: Slow, project: str
) -> None:
    act(client, project, "add_object")
    before = act(client, project, "click", frame=0, object=1, x=16, y=24)
    slow.steps = CANCELLED
    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(client.post(f"{project}/actions", json={"type": "propagate"}))
    )
    thread.start()
    assert slow.started.wait(20)
    wait_until(lambda: client.get(project).json()["busy"])
    assert client.get(project).json()["busy"]["what"] == "propagating"
    assert client.get(f"{project}/frames/1").status_code == 200
    begin = time.monotonic()
    assert client.post(f"{project}/cancel", json={}).json() == {}
    thread.join(20)
    assert time.monotonic() - begin < 10
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
    assert slow.started.wait(20)
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
    slow.steps = CANCELLED
    thread = threading.Thread(target=lambda: client.post(f"{busy}/actions", json={"type": "propagate"}))
    thread.start()
    assert slow.started.wait(20)
    act(client, other, "add_object")
    act(client, other, "undo")
    assert slow.running == 1
    client.post(f"{busy}/cancel")
    thread.join(20)


def test_a_click_that_waits_for_restoring_can_be_cancelled(tmp_path: Path, clip: Path) -> None:
    method = Slow()
    for turn in range(2):
        library = ProjectRegistry(tmp_path / "projects", method)
        project = f"/api/projects/{library.find_or_create(clip)}"
        with TestClient(create_app(library)) as client:
            if turn == 0:
                act(client, project, "add_object")
                act(client, project, "click", frame=0, object=1, x=16, y=24)
                act(client, project, "propagate")
                continue
            before = client.get(project).json()
            method.started.clear()
            method.steps = CANCELLED
            answers = []
            click = {"type": "click", "frame": 3, "object": 1, "x": 20, "y": 24}
            thread = threading.Thread(
                target=lambda: answers.append(client.post(f"{project}/actions", json=click))  # noqa: B023
            )
            thread.start()
            assert method.started.wait(20)
            client.post(f"{project}/cancel")
            thread.join(20)
            method.steps = 1
            assert answers[0].status_code == 409
            after = client.get(project).json()
            assert (after["prompts"], after["shown"]) == (before["prompts"], before["shown"])
            assert len(act(client, project, "click", frame=3, object=1, x=20, y=24)["prompts"]) == 2
