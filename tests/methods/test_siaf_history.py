import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civos_siaf import Click, Prompts
from civos_siaf.methods import SIAF
from tests.interaction.fake_afi import FakeAfi
from tests.methods.siaf_toys import COUNT, ONE, TWO, FakeClicks, opened, stroke
from tests.propagation.toys import video

PROMPTS = st.lists(
    st.tuples(st.integers(0, COUNT - 1), st.integers(0, 2), st.integers(5, 64), st.integers(5, 34)),
    min_size=1,
    max_size=3,
)

STEPS = st.lists(st.one_of(PROMPTS, st.just("propagate"), st.just("undo")), min_size=2, max_size=6)


@settings(max_examples=8)
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
