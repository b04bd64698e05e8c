"""Labels are those of transformers itself with the same prompts."""

import numpy as np
import pytest

from civos_siaf import Box, Click, Prompts
from tests.methods.peers.conftest import VIDEO
from tests.methods.peers.direct import Direct

FIRST, SECOND, LAST = 2, 6, len(VIDEO) - 1


@pytest.fixture
def direct(family, folders):
    return Direct(family, folders(family), VIDEO)


def points(*rows):
    """Of objects, lists of (x, y, positive)."""
    return {
        "input_points": [[[list(row[:2]) for row in own] for own in rows]],
        "input_labels": [[[int(row[2]) for row in own] for own in rows]],
    }


def same(labels, direct, frames, *, share=0.99):
    """Of every frame this share of pixels: memories are bfloat16, whose last bit may differ."""
    for frame in frames:
        assert np.mean(labels[frame] == direct.labels(frame)) >= share, frame
    assert len(np.unique(labels)) > 1


def test_one_click_in_both_directions(family, opened, direct):
    session = opened(family, num_objects=1)
    shown = session.interact(Prompts((Click(FIRST, 1, 20, 30),)))
    assert np.array_equal(shown[FIRST], direct.prompt(FIRST, [1], **points([(20, 30, 1)])))
    labels = session.propagate()
    direct.spread(FIRST)
    direct.spread(FIRST, reverse=True)
    same(labels, direct, range(len(VIDEO)))


def test_three_objects(family, opened, direct):
    session = opened(family, num_objects=3)
    rows = [[(20, 30, 1)], [(60, 10, 1)], [(40, 40, 1)]]
    clicks = [Click(FIRST, k, *row[0][:2]) for k, row in enumerate(rows, 1)]
    shown = session.interact(Prompts(tuple(clicks)))
    assert np.array_equal(shown[FIRST], direct.prompt(FIRST, [1, 2, 3], **points(*rows)))
    labels = session.propagate()
    direct.spread(FIRST)
    direct.spread(FIRST, reverse=True)
    # Memories of prompted frames are made one by one here and as a batch there, which rounds differently.
    same(labels, direct, range(len(VIDEO)), share=0.95)


def test_a_box_and_a_negative_click_after_it(family, opened, direct):
    session = opened(family, num_objects=1)
    box, click = Box(FIRST, 1, 10, 5, 50, 40), Click(FIRST, 1, 45, 8, positive=False)
    shown = session.interact(Prompts((box, click)))
    expected = direct.prompt(FIRST, [1], input_boxes=[[[10, 5, 50, 40]]], **points([(45, 8, 0)]))
    assert np.array_equal(shown[FIRST], expected)
    session.undo()
    shown = session.interact(Prompts((box,)))
    assert not np.array_equal(shown[FIRST], expected)
    direct.session.reset_inference_session()
    assert np.array_equal(shown[FIRST], direct.prompt(FIRST, [1], input_boxes=[[[10, 5, 50, 40]]]))


def test_two_frames_each_to_the_middle(family, opened, direct):
    session = opened(family, num_objects=1)
    session.interact(Prompts((Click(FIRST, 1, 20, 30), Click(SECOND, 1, 60, 30))))
    labels = session.propagate()
    for frame, x in ((FIRST, 20), (SECOND, 60)):
        direct.prompt(frame, [1], **points([(x, 30, 1)]))
    middle = (FIRST + SECOND) // 2
    direct.spread(FIRST, last=middle)
    direct.spread(FIRST, last=0, reverse=True)
    direct.forget_tracked()
    direct.spread(SECOND, last=LAST)
    direct.spread(SECOND, last=middle + 1, reverse=True)
    same(labels, direct, range(len(VIDEO)))


def test_two_frames_from_the_earliest(family, opened, direct):
    session = opened(family, num_objects=1, sweeps="earliest")
    session.interact(Prompts((Click(FIRST, 1, 20, 30), Click(SECOND, 1, 60, 30))))
    labels = session.propagate()
    for frame, x in ((FIRST, 20), (SECOND, 60)):
        direct.prompt(frame, [1], **points([(x, 30, 1)]))
    direct.spread(FIRST)
    direct.spread(FIRST, reverse=True)
    same(labels, direct, range(len(VIDEO)))


def test_a_correction_starts_from_the_mask_and_earlier_frames_keep_counting(family, opened, direct):
    session = opened(family, num_objects=1, sweeps="earliest")
    session.interact(Prompts((Click(FIRST, 1, 20, 30),)))
    session.propagate()
    clicks = Click(SECOND, 1, 60, 30), Click(SECOND, 1, 5, 5, positive=False)
    shown = session.interact(Prompts(clicks))
    labels = session.propagate()

    direct.prompt(FIRST, [1], **points([(20, 30, 1)]))
    direct.spread(FIRST)
    direct.spread(FIRST, reverse=True)
    before = direct.labels(SECOND)
    direct.forget_tracked()
    direct.add_points(SECOND, [1], **points([(60, 30, 1), (5, 5, 0)]))
    expected = direct.correct(SECOND, 0, direct.found[SECOND])
    assert not np.array_equal(expected, before)
    assert np.array_equal(shown[SECOND], expected)
    direct.spread(FIRST)
    direct.spread(FIRST, reverse=True)
    same(labels, direct, range(len(VIDEO)))


def test_clicks_one_by_one_add_up_and_start_from_the_mask(family, opened, direct):
    session = opened(family, num_objects=1)
    session.interact(Prompts((Click(FIRST, 1, 20, 30),)))
    shown = session.interact(Prompts((Click(FIRST, 1, 60, 30),)))
    direct.prompt(FIRST, [1], **points([(20, 30, 1)]))
    previous = direct.found[FIRST]
    direct.add_points(FIRST, [1], **points([(20, 30, 1), (60, 30, 1)]))
    assert np.array_equal(shown[FIRST], direct.correct(FIRST, 0, previous))
