"""The public door."""

import numpy as np
import pytest

from civos_siaf import annotate
from civos_siaf.api.open_project import ActionError
from tests.app.fakes import HEIGHT, WIDTH, Telltale, make_video


@pytest.fixture
def video(tmp_path):
    return make_video(tmp_path / "clip")


def test_everything_a_person_can_do(video, tmp_path):
    told = []
    with annotate(video, method=Telltale()) as project:
        assert (tmp_path / "clip.project").is_dir()
        first = project.add_object("dog", colour="#00FF00")
        second = project.add_object()
        assert project.click(0, first, x=np.int64(10), y=4)[4, 10] == first
        project.click(0, second, x=30, y=4, positive=False)
        project.scribble(1, 0, np.array([[1, 2], [3, 4]]))
        project.box(2, second, x0=9, y0=5, x1=2, y1=3)
        project.mask(3, first, np.eye(HEIGHT, WIDTH))
        project.clear(3)
        assert sorted(project.commit()) == [0, 1, 2]
        project.propagate(lambda done, total: told.append((done, total)))
        project.review(1, "reviewed")
        labels = list(project.label_maps())
        project.delete_object(first)
        assert not project.labels(0)[4, 10]
        project.undo()
        project.undo()
        project.redo()
        assert project.state.content.reviews == {1: "reviewed"}
    assert told == [(done, 5) for done in range(1, 6)]
    with annotate(video, method=Telltale()) as project:
        assert all(np.array_equal(project.labels(t), labels[t]) for t in range(5))
        assert project.state.objects[0].colour == "#00ff00"


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda project: project.click(7, 1, x=1, y=1), "no frame 7"),
        (lambda project: project.click(-1, 1, x=1, y=1), "frame must be"),
        (lambda project: project.click(0, 1, x=float("nan"), y=1), "finite"),
        (lambda project: project.scribble(0, 1, [1, 2, 3]), r"\(N, 2\)"),
        (lambda project: project.scribble(0, 1, np.empty((0, 2))), "1 to 10000"),
        (lambda project: project.mask(0, 1, np.eye(3)), r"\(3, 3\)"),
        (lambda project: project.add_object("x" * 300), "200"),
        (lambda project: project.propagate(), "nothing new"),
    ],
)
def test_bad_calls_say_what_is_wrong(video, act, words):
    with annotate(video, method=Telltale()) as project:
        project.add_object()
        with pytest.raises(ActionError, match=words):
            act(project)


def test_progress_may_stop_it(video):
    def stop(done, total):
        raise KeyboardInterrupt

    with annotate(video, method=Telltale()) as project:
        project.click(0, project.add_object(), x=10, y=4)
        before = project.state
        with pytest.raises(KeyboardInterrupt):
            project.propagate(stop)
        assert project.state is before
        project.propagate()
    with pytest.raises(ActionError, match="closed"):
        project.undo()
