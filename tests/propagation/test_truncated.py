import pytest
from hypothesis import given
from hypothesis import strategies as st

from civos_siaf.propagation.sweeps import truncated_sweeps

VIDEOS = st.integers(1, 200).flatmap(
    lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), min_size=1))
)


@given(VIDEOS)
def test_every_other_frame_is_visited_once_from_the_nearest_source(case):
    num_frames, sources = case
    sweeps = truncated_sweeps(sources, num_frames)
    visited = [frame for sweep in sweeps for frame in sweep.frames]
    assert sorted([*visited, *sources]) == list(range(num_frames))
    for sweep in sweeps:
        assert abs(sweep.frames[0] - sweep.source) == 1
        assert sweep.frames.step == sweep.frames[0] - sweep.source
        for frame in sweep.frames:
            # A tie goes to the earlier source.
            assert sweep.source == min(sources, key=lambda source: (abs(source - frame), source))


@given(VIDEOS)
def test_the_ends_of_the_video(case):
    num_frames, sources = case
    first, last = min(sources), max(sources)
    ends = {(s.source, s.frames[-1]) for s in truncated_sweeps({*sources}, num_frames)}
    assert ((first, 0) in ends) == (first > 0)
    assert ((last, num_frames - 1) in ends) == (last < num_frames - 1)


def test_impossible_sources_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        truncated_sweeps([], 5)
    for sources in ([5], [-1, 2]):
        with pytest.raises(ValueError, match=r"the video has 0\.\.4"):
            truncated_sweeps(sources, 5)
