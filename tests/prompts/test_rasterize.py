import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from civos_siaf import Box, Click, MaskPrompt, Scribble
from civos_siaf.interaction.across_frame_interaction import split_marks
from civos_siaf.prompts.rasterize import rasterize_prompts

SIZE = (30, 40)


def line(object_id, *points):
    return Scribble(0, object_id, points)


def test_strokes_are_three_pixels_wide_and_clicks_are_dots():
    marks = rasterize_prompts([line(2, (5, 10), (14, 10)), Click(0, 3, 30.7, 20.2)], SIZE)
    assert (marks[9:12, 4:16] == 2).all()
    assert (marks == 2).sum() == 3 * 12
    assert (marks[18:23, 28:33] == 3).all()
    assert (marks == 3).sum() == 25
    assert (marks == -1).sum() == 30 * 40 - 36 - 25


def test_later_strokes_overwrite_earlier_ones():
    crossing = [line(1, (5, 10), (25, 10)), line(0, (15, 2), (15, 20))]
    assert rasterize_prompts(crossing, SIZE)[10, 15] == 0
    assert rasterize_prompts(crossing[::-1], SIZE)[10, 15] == 1


def test_a_negative_click_spares_other_objects():
    no = Click(0, 1, 20, 15, positive=False)
    assert rasterize_prompts([no], SIZE)[15, 20] == 0
    # On a mark of its own object it wins, on another's it does not, and a later stroke wins.
    assert rasterize_prompts([line(1, (10, 15), (30, 15)), no], SIZE)[15, 20] == 0
    assert rasterize_prompts([line(2, (10, 15), (30, 15)), no], SIZE)[15, 20] == 2
    assert rasterize_prompts([line(2, (10, 15), (30, 15)), no], SIZE)[13, 20] == 0
    assert rasterize_prompts([no, line(2, (10, 15), (30, 15))], SIZE)[15, 20] == 2
    # Where another object is seen, "not object 1" says nothing new.
    previous = np.zeros(SIZE, np.uint8)
    previous[:, :20], previous[:, 20:] = 1, 2
    marks = rasterize_prompts([no], SIZE, previous=previous)
    assert (marks[13:18, 18:20] == 0).all()
    assert (marks[:, 20:] == -1).all()


def test_other_prompts_leave_no_mark():
    prompts = [MaskPrompt(0, 1, np.ones(SIZE, bool)), Box(0, 1, 2, 2, 9, 9)]
    assert (rasterize_prompts(prompts, SIZE) == -1).all()


@given(st.floats(0, 79), st.floats(0, 59), st.integers(0, 10))
def test_positions_are_scaled_with_the_frame(x, y, number):
    marks = rasterize_prompts([line(number, (x, y))], SIZE, scale=(0.5, 0.5))
    rows, columns = np.nonzero(marks == number)
    assert abs(rows.mean() - ((y + 0.5) / 2 - 0.5)) <= 1
    assert abs(columns.mean() - ((x + 0.5) / 2 - 0.5)) <= 1
    assert 4 <= len(rows) <= 9


def test_strokes_of_other_groups_are_negative():
    marks = torch.tensor([[-1, 0, 1, 10]])
    assert split_marks(marks, 1)[:, 0].tolist() == [[-1, 0, 1, 10]]
    assert split_marks(marks, 2)[:, 0].tolist() == [[-1, 0, 1, 10], [-1, 0, 0, 0]]
    assert split_marks(torch.tensor([[11, 20]]), 2)[:, 0].tolist() == [[0, 0], [1, 10]]
