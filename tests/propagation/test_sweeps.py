import pytest
from hypothesis import given
from hypothesis import strategies as st

from civos_siaf.propagation.sweeps import sweeps_from


@st.composite
def situations(draw):
    num_frames = draw(st.integers(1, 40))
    frame = st.integers(0, num_frames - 1)
    return draw(frame), draw(st.lists(frame, max_size=8)), num_frames


@given(situations())
def test_sweeps_visit_the_open_intervals_around_the_origin(situation):
    origin, annotated, num_frames = situation
    visited = [frame for sweep in sweeps_from(origin, annotated, num_frames) for frame in sweep.frames]
    expected = {
        frame
        for frame in range(num_frames)
        if frame != origin
        and not any(min(frame, origin) <= a <= max(frame, origin) and a != origin for a in annotated)
    }
    assert len(visited) == len(set(visited))
    assert set(visited) == expected


@given(situations())
def test_frames_come_by_rising_distance_and_the_limit_stays_out(situation):
    origin, annotated, num_frames = situation
    forward, backward = sweeps_from(origin, annotated, num_frames)
    assert list(forward.frames) == sorted(forward.frames)
    assert list(backward.frames) == sorted(backward.frames, reverse=True)
    for sweep, end in ((forward, num_frames), (backward, -1)):
        assert sweep.bounded == (sweep.limit in annotated)
        assert sweep.bounded or sweep.limit == end
        assert sweep.limit not in sweep.frames


@given(situations())
def test_distances_sum_to_one_and_the_nearer_end_is_smaller(situation):
    origin, annotated, num_frames = situation
    for sweep in sweeps_from(origin, annotated, num_frames):
        for frame in sweep.frames:
            to_limit, to_origin = sweep.distances(frame)
            assert to_limit + to_origin == pytest.approx(1)
            assert (to_origin < to_limit) == (abs(frame - origin) < abs(frame - sweep.limit))


def test_the_published_example():
    forward, backward = sweeps_from(6, [3, 6], 8)
    assert (list(forward.frames), forward.bounded) == ([7], False)
    assert (list(backward.frames), backward.limit, backward.bounded) == ([5, 4], 3, True)
    assert backward.distances(5) == pytest.approx((2 / 3, 1 / 3))


def test_frames_outside_the_video_are_refused():
    with pytest.raises(ValueError, match=r"0\.\.3"):
        sweeps_from(4, [], 4)
    with pytest.raises(ValueError, match=r"0\.\.3"):
        sweeps_from(1, [-1], 4)


@given(situations(), st.sets(st.integers(0, 39), max_size=4))
def test_a_sweep_may_end_on_the_nearest_of_some_frames(situation, frames):
    for sweep in sweeps_from(*situation):
        cut = sweep.until(frames)
        within = [frame for frame in sweep.frames if frame in frames]
        expected = list(sweep.frames)
        if within:
            expected = expected[: expected.index(within[0]) + 1]
        assert list(cut.frames) == expected
        assert cut.origin == sweep.origin
        assert cut.bounded == (sweep.bounded and len(cut.frames) == len(sweep.frames))
