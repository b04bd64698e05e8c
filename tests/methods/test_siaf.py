import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from civos_siaf import Box, Click, MaskPrompt, Prompts, Scribble
from civos_siaf.methods import SIAF
from civos_siaf.methods.siaf_answers import AnswerRules
from civos_siaf.networks.aot.variants import VARIANTS
from civos_siaf.propagation.settings import AotSettings
from tests.interaction.fake_afi import FakeAfi
from tests.propagation.toys import video

SIZE, COUNT = (40, 70), 9
FRAMES = video(COUNT)


@pytest.fixture(scope="module")
def aot():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = VARIANTS["aott"].build().eval().requires_grad_(False)
    net.patch_wise_id_bank.weight.mul_(300)
    return net


def opened(aot, num_objects=2, **options):
    # Small frames for AOT: there is nothing here that depends on their size.
    method = SIAF(FakeAfi(), aot, settings=AotSettings(gap=2, max_short=20), **options)
    return method.open(FRAMES, num_objects=num_objects)


def stroke(frame, object_id, x, y):
    return Scribble(frame, object_id, [(x - 4, y), (x + 4, y)])


ONE = Prompts((stroke(2, 1, 20, 20), stroke(2, 2, 50, 20)))
TWO = Prompts((stroke(6, 1, 30, 10), stroke(6, 0, 60, 30)))


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


PROMPTS = st.lists(
    st.tuples(st.integers(0, COUNT - 1), st.integers(0, 2), st.integers(5, 64), st.integers(5, 34)),
    min_size=1,
    max_size=3,
)
STEPS = st.lists(st.one_of(PROMPTS, st.just("propagate"), st.just("undo")), min_size=2, max_size=6)


@settings(max_examples=8, deadline=None)
@given(STEPS)
def test_undo_is_exact(aot, steps):
    """After any steps and undos the session is that in which the undone was never done."""
    session, kept = opened(aot, max_undo=99), []
    shown, straight_shown = {}, {}
    for step in steps:
        if step == "undo":
            if kept:
                session.undo()
                undone = kept.pop()
                if undone == "propagate":
                    # A round is undone with its interactions.
                    while kept and kept[-1] != "propagate":
                        kept.pop()
        elif step == "propagate":
            if kept and kept[-1] != "propagate":
                session.propagate()
                kept.append(step)
        else:
            shown = session.interact(Prompts(tuple(stroke(*item) for item in step)))
            kept.append(step)
    straight = opened(aot)
    for step in kept:
        if step == "propagate":
            straight.propagate()
        else:
            straight_shown = straight.interact(Prompts(tuple(stroke(*item) for item in step)))
    if steps[-1] != "undo" and kept and kept[-1] != "propagate":
        assert all(np.array_equal(shown[t], straight_shown[t]) for t in shown)
    final = Prompts((stroke(4, 1, 33, 20),))
    for one in (session, straight):
        one.interact(final)
    assert np.array_equal(session.propagate(), straight.propagate())
    assert session.propagator.annotated == straight.propagator.annotated


def test_undo_ends(aot):
    session = opened(aot, max_undo=1)
    with pytest.raises(IndexError, match="nothing to undo"):
        session.undo()
    session.interact(ONE)
    first = session.propagate()
    session.interact(TWO)
    session.propagate()
    session.undo()
    assert np.array_equal(session.propagate(), first)
    with pytest.raises(IndexError, match="nothing to undo"):
        session.undo()


def test_results_are_copies(aot):
    session = opened(aot)
    shown = session.interact(ONE)
    expected = shown[2].copy()
    shown[2][:] = 7
    labels = session.propagate()
    assert np.array_equal(labels[2], expected)
    labels[:] = 7
    assert session.propagate().max() <= 2


def test_objects_can_come_later_even_in_a_second_group(aot):
    session = opened(aot, num_objects=9)
    session.interact(ONE)
    first = session.propagate()
    session.add_objects(2)
    assert session.num_objects == 11
    shown = session.interact(Prompts((stroke(5, 11, 60, 30),)))
    assert shown[5][30, 60] == 11
    labels = session.propagate()
    assert np.array_equal(labels[5], shown[5])
    changed = labels[2] != first[2]
    assert (first[2][changed] == 0).all()
    assert set(np.unique(labels[2][changed])) <= {11}
    session.undo()
    session.undo()
    assert session.num_objects == 9
    assert np.array_equal(session.propagate(), first)
    with pytest.raises(ValueError, match=r"objects 1\.\.9"):
        session.interact(Prompts((stroke(5, 11, 60, 30),)))


def test_an_object_can_come_in_the_middle_of_a_round(aot):
    session = opened(aot)
    session.interact(ONE)
    session.add_objects()
    shown = session.interact(Prompts((stroke(5, 3, 60, 30),)))
    assert shown[5][30, 60] == 3
    session.undo()
    session.undo()
    assert session.num_objects == 2
    plain = opened(aot)
    plain.interact(ONE)
    assert np.array_equal(session.propagate(), plain.propagate())


class FakeClicks:
    """An object is a disc of radius 6 around each positive click, and what it was before."""

    untouched = "keep"

    def __init__(self):
        self.calls = []

    def predict(self, image, clicks, *, num_objects, previous=None):
        self.calls.append((len(clicks), previous.copy()))
        y, x = np.mgrid[: image.shape[0], : image.shape[1]]
        prob = previous.copy()
        for number in {click.object_id for click in clicks}:
            prob[number - 1] *= 0.6
        for click in clicks:
            near = (x - click.x) ** 2 + (y - click.y) ** 2 <= 36
            prob[click.object_id - 1][near] = 0.9 * click.positive
        return prob.astype(np.float32)


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


def test_earlier_strokes_and_other_frames_may_count_again(aot):
    rules = AnswerRules(remember=True, context=1)
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
        AnswerRules(context=-1)


def test_a_correction_may_be_kept_near_its_strokes(aot):
    found = {}
    for local in (False, True):
        session = opened(aot, rules=AnswerRules(local=local))
        session.interact(ONE)
        mask = np.zeros(SIZE, bool)
        mask[30:36, 2:8] = True
        first = session.interact(Prompts((MaskPrompt(2, 1, mask),)))[2]
        session.answers.strokes.network.scale.neg_()  # now it answers nonsense
        found[local] = session.interact(Prompts((stroke(2, 0, 60, 36),)))[2] != first
    session.answers.strokes.network.scale.neg_()
    assert found[False][30:36, 2:8].any()
    assert not found[True][30:36, 2:8].any()


class Everywhere:
    """Sweeps that find the last object in the upper half and the first in the lower."""

    def __init__(self, inner):
        self.inner = inner

    def run(self, sweeps, references, *, num_objects):
        for visited in self.inner.run(sweeps, references, num_objects=num_objects):
            labels = torch.full_like(visited.labels, 1)
            labels[:20] = num_objects
            yield visited._replace(labels=labels)


def test_a_saved_session_goes_on_exactly(aot, tmp_path):
    whole = opened(aot, clicks=FakeClicks())
    whole.interact(ONE)
    whole.propagate()
    whole.add_objects()
    whole.interact(Prompts((Click(6, 3, 60, 30),)))
    first = whole.propagate()
    whole.save(tmp_path / "round")
    whole.interact(TWO)  # not part of what was saved
    whole.undo()

    again = opened(aot, clicks=FakeClicks())
    again.load(tmp_path / "round")
    assert again.num_objects == 3
    assert again.propagator.annotated == (2, 6)
    assert np.array_equal(again.propagate(), first)
    with pytest.raises(IndexError, match="nothing to undo"):
        again.undo()
    more = Prompts((Click(6, 3, 50, 30), stroke(0, 1, 20, 20)))
    for session in (whole, again):
        session.interact(more)
    assert np.array_equal(whole.propagate(), again.propagate())
    assert whole.answers.clicks.clicks.calls[-1][0] == again.answers.clicks.clicks.calls[-1][0]


def test_what_cannot_be_loaded_is_named(aot, tmp_path):
    session = opened(aot)
    with pytest.raises(FileNotFoundError, match=r"state\.json"):
        session.load(tmp_path)
    session.interact(ONE)
    session.propagate()
    session.save(tmp_path)
    other = SIAF(FakeAfi(), aot).open(video(COUNT + 1), num_objects=2)
    with pytest.raises(ValueError, match="expected"):
        other.load(tmp_path)
    (tmp_path / "labels.npz").write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(ValueError, match="not a session saved"):
        opened(aot).load(tmp_path)


def test_objects_never_named_stay_away(aot):
    session = opened(aot, num_objects=5)
    session.interact(ONE)
    labels = session.propagate()
    assert set(np.unique(labels[2])) <= {0, 1, 2}


def test_a_cancelled_round_can_be_propagated_again(aot):
    session = opened(aot)
    session.interact(ONE)

    def cancel(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.propagate(cancel)
    assert session.propagator.annotated == ()
    straight = opened(aot)
    straight.interact(ONE)
    assert np.array_equal(session.propagate(), straight.propagate())


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
