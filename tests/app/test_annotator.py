import numpy as np
import pytest

from civos_siaf.app.actions import AddClick, AddObject, Commit, Propagate, Undo
from civos_siaf.app.annotator import Annotator
from civos_siaf.app.project import Project
from civos_siaf.methods import NearestColour
from civos_siaf.video_writer import write_video


@pytest.fixture
def video(tmp_path):
    images = np.zeros((6, 48, 64, 3), np.uint8)
    for t, image in enumerate(images):
        image[10:30, 5 + 2 * t : 25 + 2 * t] = (200, 40, 40)
    write_video(tmp_path / "clip.mp4", images)
    return tmp_path / "clip.mp4"


def test_a_session_with_a_real_method_is_found_again_when_reopened(tmp_path, video):
    with Annotator(Project.create(tmp_path / "project", video), NearestColour()) as annotator:
        annotator.apply(AddObject())
        annotator.apply(AddClick(0, 1, 12, 20))
        annotator.apply(AddClick(3, 1, 18, 18))
        annotator.apply(Commit())
        annotator.apply(Propagate())
        annotator.apply(AddClick(5, 1, 2, 2, positive=False))
        state = annotator.apply(Undo())
        shown = [annotator.labels(t) for t in range(6)]
    assert shown[3][18, 18] == 1
    with Annotator(Project.open(tmp_path / "project"), NearestColour()) as annotator:
        assert annotator.state == state
        assert all(np.array_equal(annotator.labels(t), shown[t]) for t in range(6))
