import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civos_siaf.benchmark.robot import ScribbleRobot
from civos_siaf.data.users import lines, morphology
from civos_siaf.data.users.damage import damaged
from civos_siaf.data.users.scribbles import ScribbleUser

ROBOT = ScribbleRobot(kernel_size=0.15)
SEEDS = st.integers(0, 10_000)


def rng(seed=0):
    return np.random.default_rng(seed)


def disc(side=96, radius=24, centre=(48, 40)):
    y, x = np.mgrid[:side, :side]
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2


def blob(seed, side=96):
    noise = cv2.GaussianBlur(rng(seed).standard_normal((side, side)), (0, 0), 9)
    return noise > np.quantile(noise, 0.7)


@settings(max_examples=25)
@given(SEEDS, st.floats(0.4, 0.95))
def test_damage_stops_below_the_target_but_not_far(seed, target):
    mask = blob(seed)
    before = mask.copy()
    out = damaged(mask, rng(seed), target)
    assert np.array_equal(mask, before)
    assert 0.2 < morphology.iou(out, mask) < target
    assert np.array_equal(out, damaged(mask, rng(seed), target))


def test_damage_of_next_to_nothing():
    assert np.array_equal(damaged(np.ones((2, 9), bool), rng(), 0.5), np.ones((2, 9), bool))
    # An empty mask gets dots now and then; either way it ends.
    assert damaged(np.zeros((20, 20), bool), rng(), 0.9).mean() < 0.9


@settings(max_examples=20)
@given(SEEDS)
def test_a_skeleton_is_thin_lies_inside_and_splits_nothing(seed):
    mask = blob(seed)
    thin = morphology.skeleton(mask)
    assert not (thin & ~mask).any()
    for piece in morphology.components(mask):
        assert len(list(morphology.components(thin & piece))) == (thin & piece).any()
    squares = thin[:-1, :-1] & thin[1:, :-1] & thin[:-1, 1:] & thin[1:, 1:]
    assert np.count_nonzero(squares) <= 0.05 * np.count_nonzero(thin)


def test_a_skeleton_of_a_bar_is_its_middle_line():
    bar = np.zeros((21, 60), bool)
    bar[6:15, 5:55] = True
    rows, columns = np.nonzero(morphology.skeleton(bar))
    assert set(rows[(columns > 12) & (columns < 47)]) == {10}
    assert not morphology.skeleton(np.zeros((5, 5), bool)).any()


@settings(max_examples=20)
@given(SEEDS)
def test_lines_stay_in_their_region(seed):
    region = blob(seed)
    near = morphology.dilate(region, morphology.ellipse(7))
    assert not (lines.middle(region, rng(seed)) & ~near).any()
    assert not (lines.outline(region, rng(seed)) & ~near).any()
    assert not (lines.curves(region, rng(seed), count=3) & ~near).any()
    wide = morphology.dilate(region, morphology.ellipse(15))
    assert not (lines.robot_lines(ROBOT, region) & ~wide).any()


def test_the_robot_draws_through_the_middle():
    bar = np.zeros((64, 128), bool)
    bar[22:42, 10:118] = True
    rows, columns = np.nonzero(lines.robot_lines(ROBOT, bar))
    assert 30 <= rows.mean() <= 34
    assert bar[rows, columns].all()
    assert np.ptp(columns) > 70
    assert not lines.robot_lines(ROBOT, np.zeros((64, 128), bool)).any()


def test_the_longest_curves_are_kept():
    region = disc()
    few = [np.count_nonzero(lines.curves(region, rng(s), count=2, longest=False)) for s in range(20)]
    long = [np.count_nonzero(lines.curves(region, rng(s), count=2)) for s in range(20)]
    assert np.mean(long) > 1.2 * np.mean(few)


def test_small_regions_get_no_line():
    small = np.zeros((30, 30), bool)
    small[3:9, 3:9] = True
    assert not lines.curves(np.eye(30, dtype=bool) & small & False, rng(), count=2).any()


@pytest.mark.parametrize("robot", [None, ROBOT])
def test_scribbles_lie_where_the_mask_is_wrong(robot):
    user = ScribbleUser(robot=robot, extra=0.0)
    truth, previous = disc(centre=(48, 36)), disc(centre=(48, 60))
    room = morphology.ellipse(9)
    drawn = 0
    for seed in range(15):
        positive, negative = user.draw(truth, previous, rng(seed))
        if positive.any() and negative.any():
            drawn += 1
            assert not (positive & ~morphology.dilate(truth & ~previous, room)).any()
            assert not (negative & ~morphology.dilate(previous & ~truth, room)).any()
    assert drawn >= 5


def test_nothing_to_correct_still_gives_lines():
    user, truth = ScribbleUser(extra=0.0), disc()
    for seed in range(5):
        positive, negative = user.draw(truth, truth, rng(seed))
        assert positive.any()
        assert negative.any()
        assert not (positive & ~morphology.dilate(truth, morphology.ellipse(7))).any()


def test_without_a_previous_mask_the_robot_is_not_asked():
    class Refuses:
        def paths(self, region):
            raise AssertionError

    user = ScribbleUser(robot=Refuses(), robot_share=1.0)
    assert user.draw(disc(), np.zeros((96, 96), bool), rng(1)).positive.any()
    with pytest.raises(AssertionError):
        user.draw(disc(), disc(radius=12), rng(1))
