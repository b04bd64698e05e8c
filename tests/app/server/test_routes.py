import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from civos_siaf.app.server.export_jobs import ExportJobs
from civos_siaf.app.server.project_registry import ProjectRegistry
from civos_siaf.methods import NearestColour
from civos_siaf.video.writer import write_video
from tests.app.server.asking import act, shown
from tests.app.server.conftest import LENGTH, moving_square


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
        library = ProjectRegistry(folder, NearestColour())
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
    tmp_path: Path, clip: Path, client: TestClient, library: ProjectRegistry
) -> None:
    from civos_siaf.app.storage.project import Project

    project_id = library.find_or_create(clip)
    (entry,) = library.entries()
    other = Project.open(entry.folder)
    answer = client.get(f"api/projects/{project_id}")
    assert answer.status_code == 409
    assert "open in another program" in answer.json()["error"]
    other.close()
    assert client.get(f"api/projects/{project_id}").status_code == 200


def test_a_project_whose_video_is_gone_is_told(
    tmp_path: Path, clip: Path, client: TestClient, library: ProjectRegistry
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


def test_masks_that_are_missing_on_disk_are_told(
    client: TestClient, project: str, library: ProjectRegistry
) -> None:
    act(client, project, "add_object")
    act(client, project, "click", frame=0, object=1, x=16, y=24)
    assert client.get(f"{project}/labels/0").status_code == 200
    assert client.get(f"{project}/labels/1").status_code == 404
    (image,) = library.folder.glob("*/masks/*/00000.png")
    image.unlink()
    answer = client.get(f"{project}/labels/0")
    assert answer.status_code == 500
    assert answer.json()["error"].startswith("the masks of frame 0 are missing: not in ")


def test_exports_of_a_killed_server_are_swept(
    client: TestClient, project: str, library: ProjectRegistry
) -> None:
    (entry,) = library.entries()
    (entry.folder / ".exports-old").mkdir()
    (entry.folder / ".exports-old" / "x.zip").touch()
    assert client.get(project).status_code == 200
    assert not list(entry.folder.glob(".exports-*"))


def test_only_the_newest_exports_are_kept(client: TestClient, project: str, library: ProjectRegistry) -> None:
    ids = [client.post(f"{project}/exports", json={"format": "coco"}).json()["id"] for _ in range(6)]
    for _ in range(300):
        statuses = [client.get(f"{project}/exports/{export}").status_code for export in ids]
        files = list(library.folder.rglob("*_coco.json"))
        if statuses == [404, 404, 200, 200, 200, 200] and len(files) == 4:
            break
        time.sleep(0.02)
    assert statuses == [404, 404, 200, 200, 200, 200]
    assert len(files) == 4


def test_an_export_that_goes_as_it_is_asked_for_is_told(
    client: TestClient, project: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It was found, then newer ones came, and its file is gone."""
    monkeypatch.setattr(ExportJobs, "file", lambda self, export_id: tmp_path / "gone.json")
    answer = client.get(f"{project}/exports/x")
    assert answer.status_code == 404
    assert "make it again" in answer.json()["error"]


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


def test_the_page_and_its_files(client: TestClient) -> None:
    page = client.get("")
    assert page.headers["content-type"].startswith("text/html")
    assert "<html" in page.text
    assert client.get("static/js/main.js").headers["content-type"].startswith("text/javascript")


def test_the_state_names_the_scores_and_they_come_by_themselves(client: TestClient, project: str) -> None:
    act(client, project, "add_object")
    state = act(client, project, "click", frame=0, object=1, x=16, y=24)
    assert state["scores"] is None
    state = act(client, project, "propagate")
    assert state["scores"] == state["shown"]["base"]
    answer = client.get(f"{project}/scores/{state['scores']}")
    assert answer.status_code == 200
    assert len(answer.content) == LENGTH
    assert "immutable" in answer.headers["cache-control"]
    for version in ("r99", "a2", "live"):
        assert client.get(f"{project}/scores/{version}").status_code == 404
    act(client, project, "undo")
    assert client.get(f"{project}/scores/{state['scores']}").status_code == 404


def test_the_state_does_not_grow_with_the_video(client: TestClient, tmp_path: Path) -> None:
    lengths = []
    for length in (10, 200):
        write_video(tmp_path / "clip.mp4", moving_square(length)[:, :32, :32], quality=30)
        created = client.post("api/projects?name=clip.mp4", content=(tmp_path / "clip.mp4").read_bytes())
        project = f"api/projects/{created.json()['id']}"
        act(client, project, "add_object")
        act(client, project, "click", frame=1, object=1, x=16, y=24)
        act(client, project, "propagate")
        lengths.append(len(client.get(project).content))
    assert lengths[1] < lengths[0] + 20
