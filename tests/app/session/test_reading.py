import numpy as np
import pytest

from civos_siaf.app.document.actions import AddClick, AddObject, DeleteObject, Propagate, from_json
from civos_siaf.app.exports import export
from civos_siaf.app.imports import mask_actions, object_actions, read_masks
from civos_siaf.app.session.annotator import Annotator, open_annotation
from civos_siaf.app.storage.project import Project
from civos_siaf.methods import NearestColour
from civos_siaf.video.writer import write_video


@pytest.fixture
def project(tmp_path):
    """A closed project with two objects on every frame, and one that was deleted."""
    images = np.zeros((4, 48, 64, 3), np.uint8)
    images[:, 10:30, 5:25] = (200, 40, 40)
    images[:, 10:30, 40:60] = (40, 200, 40)
    images[:, 35:45, 5:60] = (40, 40, 200)
    write_video(tmp_path / "clip.mp4", images)
    with Annotator(Project.create(tmp_path / "project", tmp_path / "clip.mp4"), NearestColour()) as annotator:
        for x, y in ((12, 20), (50, 20), (30, 40)):
            number = annotator.apply(AddObject()).objects[-1].id
            annotator.apply(AddClick(0, number, x, y))
        annotator.apply(Propagate())
        annotator.apply(DeleteObject(3))
    return tmp_path / "project"


def test_a_project_is_exported_without_a_method(project, tmp_path):
    with open_annotation(project) as annotation:
        assert [item.id for item in annotation.objects] == [1, 2]
        path = export(annotation, "coco", tmp_path / "out.json")
        imported = read_masks(path, "coco", annotation.frames)
        for t in range(4):
            labels = annotation.labels(t)
            assert (labels[20, 12], labels[20, 50], labels[40, 30]) == (1, 2, 0)
            np.testing.assert_array_equal(imported.labels(t), labels)
    with open_annotation(project):  # closed, so that it can be opened again
        pass


def test_masks_become_prompts_of_a_project(project, tmp_path):
    with open_annotation(project) as annotation:
        path = export(annotation, "coco", tmp_path / "out.json")
        imported = read_masks(path, "coco", annotation.frames)
    with Annotator(
        Project.create(tmp_path / "new", tmp_path / "clip.mp4"), NearestColour(), preview=False
    ) as new:
        numbers = {n: new.apply(from_json(action)).objects[-1].id for n, action in object_actions(imported)}
        for action in mask_actions(imported, numbers, frames=[1]):
            state = new.apply(from_json(action))
    assert [(drawn.action.frame, drawn.action.object_id) for drawn, _ in state.prompts()] == [(1, 1), (1, 2)]
    assert [info.name for info in state.objects] == ["object 1", "object 2"]


def test_no_project(tmp_path):
    with pytest.raises(ValueError, match="no project in"), open_annotation(tmp_path):
        pass
