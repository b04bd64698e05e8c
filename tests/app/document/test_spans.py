from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from civos_siaf.app.document.state import spans, spans_without

FRAMES = st.lists(st.integers(0, 19), max_size=30)


def members(found: list[list[int]]) -> list[int]:
    return [frame for first, last in found for frame in range(first, last + 1)]


@given(FRAMES)
def test_spans_hold_the_frames_once_and_no_two_touch(frames: list[int]) -> None:
    found = spans(frames)
    assert members(found) == sorted(set(frames))
    assert all(after[0] > before[1] + 1 for before, after in pairwise(found))


@given(FRAMES)
def test_what_is_left_are_all_other_frames(frames: list[int]) -> None:
    assert members(spans_without(20, frames)) == sorted(set(range(20)) - set(frames))
