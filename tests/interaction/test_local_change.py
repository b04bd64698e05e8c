import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from civos_siaf import Click, Prompts, Scribble
from civos_siaf.interaction.local_change import limit_change_to_strokes

SIZE = (24, 40)
LABELS = arrays(np.uint8, SIZE, elements=st.integers(0, 3), fill=st.just(0))


def boxes(*corners):
    labels = np.zeros(SIZE, np.uint8)
    for number, y, x in corners:
        labels[y : y + 6, x : x + 6] = number
    return labels


def stroke(number, x, y):
    return Prompts((Scribble(0, number, [(x, y), (x + 1, y)]),))


def test_a_region_changes_where_it_is_marked_and_others_do_not():
    before = boxes((1, 2, 2), (2, 2, 20))
    after = boxes((1, 2, 2), (1, 12, 4), (1, 12, 24))  # object 2 is gone, two regions came
    out = limit_change_to_strokes(before, after, stroke(1, 25, 14))
    assert np.array_equal(out, boxes((1, 2, 2), (2, 2, 20), (1, 12, 24)))


def test_new_objects_may_come_anywhere():
    before, after = boxes((1, 2, 2)), boxes((1, 2, 2), (3, 12, 4), (3, 12, 24))
    assert np.array_equal(limit_change_to_strokes(before, after, stroke(3, 25, 14), new=[3]), after)


def test_a_negative_click_takes_away_what_it_touches():
    before = boxes((1, 2, 2), (1, 12, 20))
    clicked = Prompts((Click(0, 1, 4, 4, positive=False),))
    assert np.array_equal(limit_change_to_strokes(before, np.zeros_like(before), clicked), boxes((1, 12, 20)))


@settings(max_examples=30)
@given(LABELS, LABELS, st.integers(0, 38), st.integers(0, 23))
def test_every_pixel_has_its_label_of_before_or_after(before, after, x, y):
    out = limit_change_to_strokes(before, after, stroke(1, x, y))
    assert ((out == before) | (out == after)).all()
    assert out[y, x] == after[y, x]
    assert np.array_equal(limit_change_to_strokes(before, before, stroke(1, x, y)), before)
