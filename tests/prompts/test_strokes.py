import math
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from civos_siaf import Click, Scribble
from civos_siaf.prompts.strokes import bezier, connect, draw, render

pixel = st.tuples(st.integers(-50, 50), st.integers(-50, 50))


def line_by_steps(start, end):
    """The integer line, one pixel after the other, as the specification words it."""
    delta = [end[0] - start[0], end[1] - start[1]]
    major = 0 if abs(delta[0]) > abs(delta[1]) else 1
    minor = 1 - major
    here, error, pixels = list(start), 2 * abs(delta[minor]) - abs(delta[major]), []
    for _ in range(abs(delta[major]) + 1):
        pixels.append(tuple(here))
        if error >= 0:
            here[minor] += int(math.copysign(1, delta[minor])) if delta[minor] else 0
            error -= 2 * abs(delta[major])
        error += 2 * abs(delta[minor])
        here[major] += int(math.copysign(1, delta[major]))
    return pixels


@given(st.lists(pixel, min_size=2, max_size=6))
def test_lines_are_those_of_the_step_by_step_rule(points):
    expected = [p for a, b in pairwise(points) for p in line_by_steps(a, b)]
    assert connect(np.array(points)).tolist() == [list(p) for p in expected]


def test_a_single_pixel_stays():
    assert connect(np.array([[3, 4]])).tolist() == [[3, 4]]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=11))
def test_bezier_agrees_with_de_casteljau(points):
    points = np.array(points)
    curve = bezier(points, 11)
    for j, t in enumerate(np.linspace(0, 1, 11)):
        level = points[::-1]
        while len(level) > 1:
            level = (1 - t) * level[:-1] + t * level[1:]
        np.testing.assert_allclose(curve[j], level[0], atol=1e-12)


def test_bezier_runs_backwards_and_survives_a_thousand_points():
    points = np.stack([np.linspace(0, 1, 1000), np.full(1000, 0.25)], axis=1)
    curve = bezier(points)
    np.testing.assert_allclose(curve, points[::-1], atol=1e-11)
    more = np.zeros((1001, 2))
    assert bezier(more) is more


def test_later_strokes_cover_earlier_ones_and_the_outside_is_left_out():
    drawn = draw([Scribble(0, 1, [[0, 1], [9, 1]]), Scribble(0, 2, [[2.9, 0], [2.9, 3]])], height=3, width=5)
    assert drawn.tolist() == [[-1, -1, 2, -1, -1], [1, 1, 2, 1, 1], [-1, -1, 2, -1, -1]]


def test_marks_are_drawn_wide_and_later_ones_win():
    line = Scribble(0, 2, [[5, 5], [14, 5]])
    marks = render([line, Click(0, 1, x=10.9, y=5)], height=20, width=30)
    assert np.count_nonzero(marks == 1) == 25
    assert (marks[3:8, 8:13] == 1).all()
    assert np.count_nonzero(marks == 2) == 3 * 12 - 15
    assert (marks[4:7, 4:8] == 2).all()
    assert np.count_nonzero(marks == -1) == 600 - 25 - 21


def test_a_negative_click_is_background_and_marks_outside_are_left_out():
    denied = render([Click(0, 3, x=0, y=0, positive=False)], height=8, width=8)
    assert (denied[:3, :3] == 0).all()
    assert np.count_nonzero(denied == 0) == 9
    outside = [Click(0, 1, x=8, y=2), Scribble(0, 1, [[-5, 4], [-2, 4]])]
    assert (render(outside, height=8, width=8) == -1).all()
