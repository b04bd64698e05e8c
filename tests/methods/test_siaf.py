import numpy as np
import pytest

from civos_siaf import Box, Click, MaskPrompt, Prompts
from civos_siaf.methods.siaf_interaction import InteractionRules
from tests.methods.siaf_toys import COUNT, ONE, SIZE, TWO, opened, stroke


def test_a_round_with_each_object_on_another_frame(aot):
    session = opened(aot)
    shown = session.interact(Prompts((stroke(2, 1, 20, 20), stroke(7, 2, 50, 20))))
    assert len(session.answers.strokes.network.seen) == 1
    assert sorted(shown) == [2, 7]
    for labels in shown.values():
        assert (labels[20, 20], labels[20, 50], labels[2, 2]) == (1, 2, 0)
    seen = []
    labels = session.propagate(lambda done, total: seen.append((done, total)))
    assert labels.shape == (COUNT, *SIZE)
    assert labels.dtype == np.uint8
    assert np.array_equal(labels[2], shown[2])
    assert np.array_equal(labels[7], shown[7])
    assert seen[-1] == (7, 7)
    assert session.propagator.annotated == (2, 7)
    assert session.wanted_frames is None


def test_in_the_first_round_nothing_is_known_and_later_what_was_propagated(aot):
    session = opened(aot)
    session.interact(ONE)
    session.interact(TWO)
    first = session.propagate()
    session.interact(TWO)
    seen = session.answers.strokes.network.seen
    assert [bool(previous.any()) for _, _, previous in seen] == [False, False, True]
    assert np.array_equal(seen[2][2][0, 0, 1, :40, :70].bool(), first[6] == 1)
    assert seen[2][2][0, 0, 0].sum() == (first[6] == 0).sum()


def test_a_frame_may_be_corrected_before_it_is_propagated(aot):
    session = opened(aot)
    shown = session.interact(ONE)
    again = session.interact(Prompts((stroke(2, 0, 50, 20),)))
    _, marks, previous = session.answers.strokes.network.seen[1]
    assert np.array_equal(previous[0, 0, 2, :40, :70].bool(), shown[2] == 2)
    assert not marks[0, 0, 1:].any()
    assert again[2][20, 50] == 0
    assert again[2][20, 20] == 1
    labels = session.propagate()
    assert np.array_equal(labels[2], again[2])


def test_rounds_keep_all_annotated_frames(aot):
    session = opened(aot)
    first = session.interact(ONE)
    session.propagate()
    second = session.interact(TWO)
    labels = session.propagate()
    assert session.propagator.annotated == (2, 6)
    assert np.array_equal(labels[2], first[2])
    assert np.array_equal(labels[6], second[6])


def test_clicks_are_dots(aot):
    session = opened(aot)
    shown = session.interact(
        Prompts((Click(3, 1, 20, 20), Click(3, 2, 50, 20), Click(3, 2, 20, 20, positive=False)))
    )
    assert (shown[3][20, 20], shown[3][20, 50]) == (1, 2)
    (_, marks, _), *_ = session.answers.strokes.network.seen
    assert marks[0, 0].sum(dim=(1, 2)).tolist() == [0, 25, 25] + [0] * 8


def test_masks_are_taken_as_they_are(aot):
    session = opened(aot)
    mask = np.zeros(SIZE, bool)
    mask[5:20, 5:30] = True
    shown = session.interact(Prompts((MaskPrompt(3, 2, mask),)))
    assert np.array_equal(shown[3], 2 * mask)
    assert session.answers.strokes.network.seen == []
    both = session.interact(Prompts((stroke(3, 1, 20, 35), MaskPrompt(5, 1, mask))))
    assert set(np.unique(both[3])) == {0, 1, 2}
    assert np.array_equal(both[5], mask)
    labels = session.propagate()
    assert np.array_equal(labels[5] == 1, mask)  # the other object can come there
    assert np.array_equal(labels[3], both[3])


def test_results_are_copies(aot):
    session = opened(aot)
    shown = session.interact(ONE)
    expected = shown[2].copy()
    shown[2][:] = 7
    labels = session.propagate()
    assert np.array_equal(labels[2], expected)
    labels[:] = 7
    assert session.propagate().max() <= 2


def test_earlier_strokes_and_other_frames_may_count_again(aot):
    rules = InteractionRules(remember=True, context=1)
    session = opened(aot, rules=rules)
    strokes = session.answers.strokes.network
    session.interact(ONE)
    session.interact(Prompts((stroke(8, 1, 20, 20),)))
    session.propagate()
    session.interact(Prompts((stroke(7, 2, 60, 30),)))
    _, marks, previous = strokes.seen[-1]
    # Frame 7 as it is prompted, and the nearest of those before with all that is known there.
    assert marks.shape[:2] == (1, 2)
    assert marks[0, :, 1].flatten(1).any(dim=1).tolist() == [False, True]
    assert previous[0, 1].any()
    session.interact(Prompts((stroke(7, 2, 50, 30),)))
    _, marks, _ = strokes.seen[-1]
    assert marks[0, 0, 2, 30, 60] == marks[0, 0, 2, 30, 50] == 1
    plain = opened(aot)
    plain.interact(ONE)
    plain.interact(TWO)
    assert plain.answers.strokes.network.seen[-1][1].shape[1] == 1
    with pytest.raises(ValueError, match="context must be 0 or more"):
        InteractionRules(context=-1)


def test_a_correction_may_be_kept_near_its_strokes(aot):
    found = {}
    for local in (False, True):
        session = opened(aot, rules=InteractionRules(local=local))
        session.interact(ONE)
        mask = np.zeros(SIZE, bool)
        mask[30:36, 2:8] = True
        first = session.interact(Prompts((MaskPrompt(2, 1, mask),)))[2]
        session.answers.strokes.network.scale.neg_()  # now it answers nonsense
        found[local] = session.interact(Prompts((stroke(2, 0, 60, 36),)))[2] != first
    session.answers.strokes.network.scale.neg_()
    assert found[False][30:36, 2:8].any()
    assert not found[True][30:36, 2:8].any()


def test_objects_never_named_stay_away(aot):
    session = opened(aot, num_objects=5)
    session.interact(ONE)
    labels = session.propagate()
    assert set(np.unique(labels[2])) <= {0, 1, 2}


def test_no_prompts_change_nothing_and_wrong_ones_are_refused(aot):
    session = opened(aot)
    assert session.interact(Prompts()) == {}
    assert not session.propagate().any()
    with pytest.raises(ValueError, match="takes Scribble, Click, MaskPrompt"):
        session.interact(Prompts((Box(0, 1, 1, 1, 5, 5),)))
    with pytest.raises(ValueError, match=r"frames 0\.\.8"):
        session.interact(Prompts((stroke(9, 1, 20, 20),)))
    with pytest.raises(ValueError, match="size"):
        session.interact(Prompts((MaskPrompt(0, 1, np.zeros((3, 3), bool)),)))
    with pytest.raises(IndexError):
        session.undo()
