from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from civos_siaf.app.server.project_registry import ProjectRegistry
from civos_siaf.masks import to_rle, write_png
from civos_siaf.methods import NearestColour
from civos_siaf.methods.nearest_colour import NearestColourSession
from civos_siaf.prompts import Prompts
from tests.app.server.asking import shown
from tests.app.server.conftest import HEIGHT, WIDTH


def label_png(labels: np.ndarray, tmp_path: Path) -> bytes:
    write_png(tmp_path / "m.png", labels)
    return (tmp_path / "m.png").read_bytes()


@pytest.fixture
def with_masks(library: ProjectRegistry) -> None:
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
def test_masks_of_cvat_are_imported(client: TestClient, project: str) -> None:
    xml = (
        f"<annotations><meta><task><original_size><width>{WIDTH}</width><height>{HEIGHT}</height>"
        '</original_size></task></meta><track id="0" label="dog" group_id="0"><box frame="1" xtl="2" ytl="3" '
        'xbr="9" ybr="8" outside="0"/><box frame="2" xtl="2" ytl="3" xbr="9" ybr="8" outside="1"/></track>'
        "</annotations>"
    )
    answer = client.post(f"{project}/imports?format=cvat", content=xml.encode())
    assert answer.status_code == 200, answer.text
    state = answer.json()["state"]
    assert [item["name"] for item in state["objects"]] == ["dog"]
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[3:8, 2:9] = True
    assert np.array_equal(shown(client, project, 1, state["shown"]["frames"]["1"]) > 0, expected)


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


@pytest.mark.usefixtures("with_masks")
def test_an_import_can_be_cancelled(
    client: TestClient,
    project: str,
    tmp_path: Path,
    library: ProjectRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def many(imported: object, numbers: object) -> Iterator[dict[str, object]]:
        rle = to_rle(np.ones((HEIGHT, WIDTH), bool))
        for frame in (1, 2, 3):
            yield {"type": "mask", "frame": frame, "object": 1, "rle": rle}
            for desk in library._desks.values():
                desk.cancel()

    before = client.get(project).json()
    monkeypatch.setattr("civos_siaf.app.server.importing.mask_actions", many)
    body = label_png(np.ones((HEIGHT, WIDTH), np.uint8), tmp_path)
    answer = client.post(f"{project}/imports?format=png&frame=2", content=body)
    assert answer.status_code == 409
    after = client.get(project).json()
    assert (after["objects"], after["prompts"]) == (before["objects"], before["prompts"])


@pytest.mark.usefixtures("with_masks")
def test_an_import_that_the_disk_does_not_take_is_undone(
    client: TestClient, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(paths: object) -> None:
        raise OSError(28, "No space left on device")

    before = client.get(project).json()
    body = label_png(np.ones((HEIGHT, WIDTH), np.uint8), tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("civos_siaf.app.storage.mask_files.sync_all", full)
        answer = client.post(f"{project}/imports?format=png&frame=2", content=body)
        assert answer.status_code == 507
        after = client.get(project).json()
        for key in ("objects", "prompts", "masks", "shown", "frames"):
            assert after[key] == before[key]
    state = client.post(f"{project}/imports?format=png&frame=2", content=body).json()["state"]
    assert state["frames"]["pending"] == [[2, 2]]


def test_wrong_imports_are_told(client: TestClient, project: str, tmp_path: Path) -> None:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    good = label_png(labels + 1, tmp_path)
    wrong = [
        ("png", "2", b""), ("png", "2", b"nothing"), ("png", "99", good), ("png", "x", good),
        ("gif", "2", good), ("png", "2", good[:-30]), ("png", "2", label_png(labels, tmp_path)),
        ("png", "2", label_png(labels[1:] + 1, tmp_path)), ("coco", "2", good), ("coco", "2", b"{}"),
        ("coco", "2", b'{"images": [1]}'),
        ("png", "2", b"PK\x03\x04" + bytes(100)), ("coco", "2", b'{"images":' + b"[" * 100_000),
    ]  # fmt: skip
    for format, frame, body in wrong:
        answer = client.post(f"{project}/imports?format={format}&frame={frame}", content=body)
        assert answer.status_code in (400, 422), (format, frame, body[:20], answer.text)
        assert 0 < len(answer.json()["error"]) < 500
        assert str(tmp_path) not in answer.json()["error"]
        assert ".part" not in answer.json()["error"]
    assert client.get(project).json()["objects"] == []
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.usefixtures("with_masks")
def test_how_masks_were_read_is_told_and_can_be_chosen(
    client: TestClient, project: str, tmp_path: Path
) -> None:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[5:20, 5:30] = 7
    labels[30:, 5:30] = 255
    picture = label_png(labels, tmp_path)
    Image.fromarray(labels).save(tmp_path / "grey.png")
    grey = (tmp_path / "grey.png").read_bytes()
    asked = client.post(f"{project}/imports?format=png&frame=2", content=grey)
    assert asked.status_code == 422
    assert "0, 7, 255" in asked.json()["error"]
    assert asked.json()["question"]["option"] == "values"
    assert list(asked.json()["question"]["choices"]) == ["numbers", "levels", "white"]
    answer = client.post(f"{project}/imports?format=png&frame=2&values=levels", content=grey)
    assert answer.json()["notes"] == ["7 is object 1, 255 is object 2"]
    assert client.post(f"{project}/imports?format=png&frame=2", content=picture).json()["notes"] == []
