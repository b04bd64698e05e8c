import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from civos_siaf.benchmark.selection import FrameChooser

QUALITY = np.array([0.5, 0.2, 0.9, 0.2, 0.7])


def test_the_worst_frame_first_and_none_twice_until_all_were_used():
    chooser = FrameChooser(5)
    assert [chooser.choose(QUALITY)[0] for _ in range(5)] == [1, 3, 0, 4, 2]
    assert [chooser.choose(QUALITY)[0] for _ in range(3)] == [1, 1, 1]
    assert chooser.used == (1, 3, 0, 4, 2)


def test_ties_go_to_the_lowest_index_however_long_the_video():
    quality = np.ones(70)
    quality[[50, 20, 33]] = 0
    assert FrameChooser(70).choose(quality) == [20]


def test_candidates_and_what_happens_when_they_run_out():
    chooser = FrameChooser(5)
    assert [chooser.choose(QUALITY, candidates=[0, 4])[0] for _ in range(3)] == [0, 4, 0]
    assert FrameChooser(5).choose(QUALITY, candidates=[]) == [1]


def test_candidates_outside_the_video():
    chooser = FrameChooser(5)
    assert [chooser.choose(QUALITY, candidates=[0, 99])[0] for _ in range(2)] == [0, 0]
    assert FrameChooser(5).choose(QUALITY, candidates=[99]) == [1]
    published = FrameChooser(5, published_quirks=True)
    assert published.choose(QUALITY, candidates=[0, 99]) == [0]
    with pytest.raises(IndexError, match=r"\[99\]"):
        published.choose(QUALITY, candidates=[0, 99])


def test_several_frames_keep_away_from_used_ones_while_enough_are_left():
    chooser = FrameChooser(5, used=[1])
    assert chooser.choose(QUALITY, count=3) == [3, 0, 4]
    assert chooser.choose(QUALITY, count=2) == [1, 3]


def test_least_distance_is_kept_as_far_as_possible():
    assert FrameChooser(5, min_distance=3).choose(QUALITY, count=2) == [1, 4]
    assert FrameChooser(5, min_distance=4).choose(QUALITY, count=3) == [1, 3, 0]


@given(st.integers(1, 30), st.integers(1, 5), st.integers(1, 12), st.integers(0, 2**31))
def test_always_distinct_frames_inside_the_video(num_frames, count, rounds, seed):
    rng = np.random.default_rng(seed)
    chooser = FrameChooser(num_frames, min_distance=seed % 4)
    for _ in range(rounds):
        chosen = chooser.choose(rng.random(num_frames), count=count)
        assert len(chosen) == len(set(chosen)) == min(count, num_frames)
        assert set(chosen) <= set(range(num_frames))
