import numpy as np
import pytest

from civos_siaf.benchmark import ScribbleRobot


@pytest.fixture
def two_objects():
    truth = np.zeros((60, 80), np.uint8)
    truth[10:40, 5:30], truth[20:50, 45:70] = 1, 2
    return truth


def test_wrong_pixels_belong_to_their_true_label(two_objects):
    prediction = two_objects.copy()
    prediction[two_objects == 1] = 2
    prediction[52:58, :40] = 1
    strokes = ScribbleRobot().draw(two_objects, prediction, 2)
    assert [stroke.object_id for stroke in strokes] == [0, 1]
    for stroke in strokes:
        assert stroke.path.shape == (1000, 2)
        x, y = (stroke.path * (80, 60)).astype(int).T
        assert (two_objects[y, x] == stroke.object_id).all()


def test_nothing_wrong_nothing_drawn(two_objects):
    assert ScribbleRobot().draw(two_objects, two_objects, 2) == []


def test_void_pixels_get_no_line(two_objects):
    truth = np.where(two_objects == 1, 255, two_objects)
    assert ScribbleRobot().draw(truth, np.zeros_like(truth), 2)[0].object_id == 2


def test_labels_need_not_be_contiguous_without_a_count(two_objects):
    truth = np.where(two_objects == 1, 7, two_objects)
    strokes = ScribbleRobot(nb_points=50).draw(truth, np.zeros_like(truth))
    assert [stroke.object_id for stroke in strokes] == [2, 7]
    assert strokes[0].path.shape == (50, 2)


def test_the_answer_is_always_the_same(two_objects):
    first, second = (ScribbleRobot().draw(two_objects, np.zeros_like(two_objects), 2) for _ in range(2))
    assert all((a.path == b.path).all() for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 1.0},
        {"kernel_size": -0.1},
        {"max_kernel_radius": 0},
        {"min_nb_nodes": 0},
        {"nb_points": 0},
    ],
)
def test_parameters_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        ScribbleRobot(**options)


def test_frames_of_different_shapes_are_refused(two_objects):
    with pytest.raises(ValueError, match=r"\(60, 80\) and \(59, 80\)"):
        ScribbleRobot().draw(two_objects, two_objects[1:], 2)
