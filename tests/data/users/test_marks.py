import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civos_siaf.benchmark.robot import ScribbleRobot
from civos_siaf.data.users.damage import LabelDamage
from civos_siaf.data.users.marks import NOT_MARKED, MarkUser, clicked
from civos_siaf.data.users.morphology import dilate, iou

ROBOT = ScribbleRobot()
NEAR = np.ones((5, 5), np.uint8)


def rng(seed=0):
    return np.random.default_rng(seed)


def clip(frames=3, side=96):
    """Objects 1 and 2 on all frames, 3 on the last, 4 a dot, and an unknown rim."""
    labels = np.zeros((frames, side, side), np.uint8)
    for t in range(frames):
        labels[t, 10 + 5 * t : 40 + 5 * t, 8:40] = 1
        labels[t, 50:86, 30 + 4 * t : 70 + 4 * t] = 2
    labels[-1, 8:30, 60:90] = 3
    labels[0, 4:7, 4:7] = 4
    labels[:, :2] = 255
    return labels


USERS = [
    pytest.param(MarkUser(robot=ROBOT), id="both"),
    pytest.param(MarkUser(robot=ROBOT, robot_share=1.0, every_frame=1.0), id="robot"),
    pytest.param(MarkUser(), id="curves"),
    pytest.param(MarkUser(click_share=1.0), id="clicks"),
]


@pytest.mark.parametrize("user", USERS)
def test_first_marks_lie_in_their_objects_and_leave_none_out(user):
    labels = clip()
    for seed in range(8):
        marks = user.first(labels, rng(seed))
        assert marks.dtype == np.int64
        assert set(np.unique(marks)) == {NOT_MARKED, 1, 2, 3}
        for number in (1, 2, 3):
            for frame, drawn in zip(labels, marks, strict=True):
                assert not ((drawn == number) & ~dilate(frame == number, NEAR)).any()
        assert np.array_equal(marks, user.first(labels, rng(seed)))


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_corrections_lie_where_the_labels_are_wrong_with_their_true_number(seed):
    labels = clip()
    previous = LabelDamage()(labels, rng(seed))
    marks = MarkUser(click_share=0.3).correct(labels, previous, rng(seed))
    for true, wrong, drawn in zip(labels, previous, marks, strict=True):
        for number in np.unique(drawn[drawn >= 0]):
            region = (true == number) & (wrong != number)
            assert np.count_nonzero(region) >= 50
            assert not ((drawn == number) & ~dilate(region, NEAR)).any()


def test_nothing_wrong_gets_no_marks():
    labels = clip()
    assert (MarkUser().correct(labels, labels, rng()) == NOT_MARKED).all()
    unknown = np.where(labels == 255, 0, labels)
    assert (MarkUser().correct(labels, unknown, rng()) == NOT_MARKED).all()


def test_objects_are_marked_on_all_frames_or_on_some():
    labels = clip(frames=3)
    full, counts = 0, []
    for seed in range(150):
        marks = MarkUser().first(labels, rng(seed))
        counts.append(sum((frame == 1).any() for frame in marks))
        full += counts[-1] == 3
    assert set(counts) == {1, 2, 3}
    assert 0.28 < full / 150 < 0.52
    always = MarkUser(every_frame=1.0).first(labels, rng())
    assert all((frame == 1).any() for frame in always)


def test_background_is_marked_first_only_where_asked_for():
    marks = MarkUser(background_share=1.0).first(clip(), rng())
    assert (marks == 0).any()
    assert not (clip()[marks == 0] == 1).any()
    assert not (MarkUser().first(clip(), rng()) == 0).any()


def test_clicks_are_squares_deep_inside():
    region = np.zeros((60, 80), bool)
    region[10:50, 20:60] = True
    places = clicked(region, 50, rng())
    assert ((places >= (29, 19)) & (places <= (50, 40))).all()
    dot = np.zeros((1, 60, 80), np.uint8)
    dot[0, region] = 1
    marks = MarkUser(click_share=1.0).first(dot, rng(3))
    assert np.count_nonzero(marks == 1) in (25, 50, 75)
    single = np.ones((1, 1), bool)
    assert clicked(single, 3, rng()).tolist() == [[0, 0]] * 3


def test_damage_keeps_objects_recognisable_and_is_repeatable():
    labels = clip()
    seen = []
    for seed in range(30):
        out = LabelDamage(drop=0.0, swap=0.0)(labels, rng(seed))
        assert np.array_equal(out, LabelDamage(drop=0.0, swap=0.0)(labels, rng(seed)))
        assert set(np.unique(out)) <= {0, 1, 2, 3, 4}
        # Another object may be painted over part of it.
        seen += [iou(out[t] == 2, labels[t] == 2) for t in range(3)]
    assert 0.1 < min(seen) < 0.8
    assert np.mean(np.array(seen) > 0.97) < 0.25
    assert np.mean(np.array(seen) >= 0.2) > 0.97


def test_objects_are_lost_and_confused():
    labels = clip()
    assert not LabelDamage(drop=1.0)(labels, rng()).any()
    mixed = LabelDamage(drop=0.0, swap=1.0, blob=0.0)
    out = [mixed(labels, rng(seed))[1] for seed in range(10)]
    assert any(iou(frame == 2, labels[1] == 1) > 0.2 for frame in out)
    alone = np.where(labels == 1, 1, 0).astype(np.uint8)
    assert set(np.unique(mixed(alone, rng()))) == {0, 1}


def test_damage_shrinks_with_the_frame():
    def mean(side):
        labels = np.zeros((1, side, side), np.uint8)
        labels[0, side // 4 : side * 3 // 4, side // 4 : side * 3 // 4] = 1
        damage = LabelDamage(drop=0.0, blob=0.0)
        return np.mean([iou(damage(labels, rng(s))[0] == 1, labels[0] == 1) for s in range(20)])

    assert abs(mean(96) - mean(384)) < 0.08
