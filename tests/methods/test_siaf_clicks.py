import numpy as np
import pytest

from civos_siaf import Click, Prompts
from civos_siaf.methods import SIAF
from tests.interaction.fake_afi import FakeAfi
from tests.methods.siaf_toys import FakeClicks, opened, stroke
from tests.propagation.aot_toys import Everywhere


def test_frames_with_clicks_alone_are_those_of_the_click_network(aot):
    clicks = FakeClicks()
    session = opened(aot, clicks=clicks)
    strokes = session.answers.strokes.network
    shown = session.interact(Prompts((Click(3, 1, 20, 20),)))
    assert strokes.seen == []
    assert (shown[3][20, 20], shown[3][20, 50]) == (1, 0)
    session.interact(Prompts((Click(3, 1, 30, 20), Click(3, 1, 20, 20, positive=False))))
    assert [count for count, _ in clicks.calls] == [1, 3]
    # All clicks correct what was there before the first.
    assert all(not previous.any() for _, previous in clicks.calls)
    mixed = session.interact(Prompts((stroke(3, 2, 50, 20), stroke(6, 2, 50, 20))))
    ((_, _, previous),) = strokes.seen
    assert previous[0, 0, 1, 20, 30] == 1
    assert previous[0, 0, 1, 20, 20] == 0
    assert mixed[3][20, 50] == 2
    # After a stroke on the frame clicks begin again, from what is shown.
    session.interact(Prompts((Click(3, 1, 10, 30),)))
    count, previous = clicks.calls[-1]
    assert count == 1
    assert np.array_equal(previous[0] > 0, mixed[3] == 1)


def test_objects_without_new_clicks_are_not_asked_again(aot):
    clicks = FakeClicks()
    session = opened(aot, clicks=clicks)
    session.interact(Prompts((Click(3, 1, 20, 20),)))
    session.interact(Prompts((Click(3, 2, 50, 20),)))
    session.interact(Prompts((Click(3, 2, 60, 20),)))
    assert [count for count, _ in clicks.calls] == [1, 1, 2]
    step_by_step = session.interact(Prompts((Click(3, 1, 22, 20),)))[3]
    at_once = opened(aot, clicks=FakeClicks()).interact(
        Prompts((Click(3, 1, 20, 20), Click(3, 2, 50, 20), Click(3, 2, 60, 20), Click(3, 1, 22, 20)))
    )[3]
    assert np.array_equal(step_by_step, at_once)
    clicks.untouched = "predict"
    with pytest.raises(ValueError, match="untouched must be keep"):
        SIAF(FakeAfi(), aot, clicks=clicks)


def test_clicked_frames_tell_those_with_strokes_and_keep_their_labels(aot):
    session = opened(aot, clicks=FakeClicks())
    shown = session.interact(Prompts((Click(3, 1, 20, 20), stroke(6, 2, 50, 20))))
    ((_, marks, previous),) = session.answers.strokes.network.seen
    assert marks[0, :, 1].flatten(1).any(dim=1).tolist() == [False, True]
    assert previous[0, 1, 1].sum() == (shown[3] == 1).sum()
    assert set(np.unique(shown[3])) == {0, 1}
    assert shown[6][20, 50] == 2


def test_objects_not_clicked_on_a_frame_can_come_there(aot):
    session = opened(aot, clicks=FakeClicks())
    shown = session.interact(Prompts((Click(2, 1, 20, 20), Click(6, 2, 50, 20))))
    session.propagator._sweeps = Everywhere(session.propagator._sweeps)
    labels = session.propagate()
    for frame, own, other in ((2, 1, 2), (6, 2, 1)):
        assert np.array_equal(labels[frame] == own, shown[frame] == own)
        assert (labels[frame] == other).any()
    # Now all is known there: a later round only corrects.
    session.interact(Prompts((Click(2, 1, 30, 20),)))
    assert session._now.known[2] == {1, 2}
