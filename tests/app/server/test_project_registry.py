import threading
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from civos_siaf.app.server import project_registry as module
from civos_siaf.app.server.application import create_app
from civos_siaf.app.server.lazy_method import LazyMethod
from civos_siaf.app.server.project_registry import ProjectRegistry
from civos_siaf.app.storage.project import ProjectError
from civos_siaf.methods import NearestColour
from civos_siaf.methods.nearest_colour import NearestColourSession
from civos_siaf.protocol import Method
from civos_siaf.video.frames import Frames
from tests.app.server.asking import act, shown
from tests.app.server.conftest import HOST, TOKEN
from tests.app.server.videos import stripes

HEADERS = {"Host": HOST, "Origin": f"http://{HOST}"}


def test_a_method_is_built_once_and_offers_what_it_has() -> None:
    built: list[NearestColour] = []

    def build() -> Method:
        built.append(NearestColour(reach=7))
        return built[-1]

    late = LazyMethod(build, name="toy")
    assert not built
    threads = [threading.Thread(target=late.load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert late.name == "toy"
    assert late.reach == 7
    assert not hasattr(late, "streams")


def test_the_method_is_built_when_a_frame_was_shown(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOAD_AFTER_SECONDS", 1000.0)
    built = threading.Event()

    def build() -> Method:
        built.set()
        return NearestColour()

    library = ProjectRegistry(tmp_path, LazyMethod(build, name="toy"))
    project = f"/api/projects/{library.find_or_create(clip)}"
    with TestClient(create_app(library)) as client:
        assert client.get(project).json()["model"]["name"] == "toy"
        assert not built.wait(0.1)
        assert client.get(f"{project}/frames/0").status_code == 200
        assert built.wait(20)


def test_a_method_that_cannot_be_built_is_told_and_frames_are_shown(tmp_path: Path, clip: Path) -> None:
    def build() -> Method:
        raise FileNotFoundError("no weights at light.safetensors")

    library = ProjectRegistry(tmp_path, LazyMethod(build, name="toy"))
    project = f"/api/projects/{library.find_or_create(clip)}"
    with TestClient(create_app(library)) as client:
        act(client, project, "add_object")
        click = {"type": "click", "frame": 0, "object": 1, "x": 1, "y": 1}
        answer = client.post(f"{project}/actions", json=click)
        assert answer.status_code == 400
        assert "no weights at light.safetensors" in answer.json()["error"]
        assert client.get(f"{project}/frames/0").status_code == 200
        assert client.get(project).json()["prompts"] == []


def test_a_project_that_nobody_uses_is_closed_when_others_are_opened(
    client: TestClient, clip: Path, library: ProjectRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_OPEN", 2)
    monkeypatch.setattr("civos_siaf.app.server.project_service.QUIET_SECONDS", -1.0)
    ids = [client.post("api/projects", content=clip.read_bytes()).json()["id"] for _ in range(4)]
    for project_id in ids:
        act(client, f"api/projects/{project_id}", "add_object")
    assert list(library._desks) == ids[2:]
    for project_id in ids:  # opened again where it was left
        assert len(client.get(f"api/projects/{project_id}").json()["objects"]) == 1


class Remembering(NearestColour):
    """Knows how many of its sessions are in memory, where they stay until they are collected."""

    def __init__(self) -> None:
        super().__init__()
        self.held: WeakSet[NearestColourSession] = WeakSet()

    def open(self, frames: Frames, *, num_objects: int) -> NearestColourSession:
        session = super().open(frames, num_objects=num_objects)
        session.itself = session  # type: ignore[attr-defined]
        self.held.add(session)
        return session


CORRECTION = {"frame": 3, "object": 1, "x": 21, "y": 24}


def frame_3(client: TestClient, project: str, state: dict[str, Any]) -> np.ndarray:
    return shown(client, project, 3, state["shown"]["frames"]["3"])


def ready(client: TestClient, project: str) -> bool:
    model = client.get(project).json()["model"]
    return bool(model["ready"])


def test_only_the_projects_worked_on_last_keep_what_the_method_holds(tmp_path: Path, clip: Path) -> None:
    method = Remembering()
    with TestClient(create_app(ProjectRegistry(tmp_path / "projects", method))) as client:
        projects = [
            f"/api/projects/{client.post('/api/projects', content=clip.read_bytes()).json()['id']}"
            for _ in range(4)
        ]
        states = []
        for count, project in enumerate(projects, 1):
            act(client, project, "add_object")
            act(client, project, "click", frame=0, object=1, x=16, y=24)
            act(client, project, "propagate")
            states.append(act(client, project, "click", frame=3, object=1, x=20, y=24))
            assert len(method.held) == min(count, 2)
        assert [ready(client, project) for project in projects] == [False, False, True, True]
        # One that never rested, then another way round.
        expected = frame_3(client, projects[3], act(client, projects[3], "click", **CORRECTION))
        act(client, projects[2], "click", frame=1, object=1, x=18, y=24)
        assert frame_3(client, projects[0], states[0]).any()  # looking needs no method
        assert [ready(client, project) for project in projects] == [False, False, True, True]
        state = act(client, projects[0], "click", **CORRECTION)
        assert [ready(client, project) for project in projects] == [True, False, True, False]
        assert np.array_equal(frame_3(client, projects[0], state), expected)


def test_a_project_that_somebody_looks_at_keeps_what_the_method_holds(
    client: TestClient, clip: Path, library: ProjectRegistry
) -> None:
    projects = [
        f"api/projects/{client.post('api/projects', content=clip.read_bytes()).json()['id']}"
        for _ in range(4)
    ]
    with client.websocket_connect(f"/{TOKEN}/{projects[0]}/events", headers=HEADERS) as socket:
        socket.receive_text()
        for project in projects:
            act(client, project, "add_object")
            act(client, project, "click", frame=0, object=1, x=16, y=24)
        assert [ready(client, project) for project in projects] == [True, False, False, True]


def test_what_is_no_project_is_not_listed(library: ProjectRegistry, clip: Path) -> None:
    project_id = library.find_or_create(clip)
    for name, text in (("a", "{"), ("b", "[]"), ("c", '{"id": "../x", "name": "n", "video": {}}')):
        (library.folder / name).mkdir()
        (library.folder / name / "project.json").write_text(text)
    assert [entry.id for entry in library.entries()] == [project_id]


def test_a_folder_of_images_is_a_video(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for index, image in enumerate(stripes(3, 16, 16)):
        Image.fromarray(image).save(tmp_path / "images" / f"{index}.png")
    library = ProjectRegistry(tmp_path / "projects", NearestColour())
    project = f"/api/projects/{library.find_or_create(tmp_path / 'images')}"
    with TestClient(create_app(library)) as client:
        assert client.get(project).json()["project"]["num_frames"] == 3
        assert client.get(f"{project}/frames/2").status_code == 200


def test_a_video_that_is_not_there(library: ProjectRegistry, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no video file or image folder"):
        library.find_or_create(tmp_path / "nothing.mp4")
    assert not library.folder.exists()


def test_a_file_is_no_folder_of_projects(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(ValueError, match="is a file"):
        ProjectRegistry(clip, NearestColour())


def test_folders_are_called_after_their_videos(library: ProjectRegistry, tmp_path: Path, clip: Path) -> None:
    again = tmp_path / "elsewhere" / "My Dog!.mp4"
    again.parent.mkdir()
    again.write_bytes(clip.read_bytes())
    other = tmp_path / "My dog.mp4"
    other.write_bytes(clip.read_bytes())
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"no video")
    for video in (again, other):
        library.find_or_create(video)
    with pytest.raises(ProjectError):
        library.find_or_create(bad)
    assert sorted(path.name for path in library.folder.iterdir()) == ["my-dog", "my-dog-2"]
