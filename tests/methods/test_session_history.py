import numpy as np
import pytest
import torch

from tests.methods.round_toys import ONE, at, civos, line, mivos


def test_undo_goes_back_one_interaction_then_whole_rounds():
    session = civos()
    session.interact(ONE)
    first = session.propagate()
    snapshot = torch.stack([session.propagator.masks.prob(t) for t in range(8)])
    shown = session.interact(at(6, (1, 30, 20)))
    session.interact(at(6, (2, 10, 30)))
    session.undo()
    again = session.interact(at(6, (2, 10, 30)))
    session.undo()
    assert not np.array_equal(shown[6], again[6])
    second = session.propagate()
    assert not np.array_equal(first, second)
    assert np.array_equal(second[6], shown[6])
    session.undo()
    assert np.array_equal(session.propagate(), first)
    assert torch.equal(torch.stack([session.propagator.masks.prob(t) for t in range(8)]), snapshot)
    session.interact(at(6, (1, 30, 20)))
    assert np.array_equal(session.propagate(), second)
    session.undo()
    session.undo()
    assert not session.propagate().any()
    assert session.propagator.annotated == ()
    with pytest.raises(IndexError, match="nothing to undo"):
        session.undo()


def test_undo_brings_back_the_schedule_and_the_wanted_frames():
    session = mivos()
    for _ in range(3):
        session.interact(line(0, 1, (10, 10), (40, 10)))
        session.propagate()
    assert session.wanted_frames is None
    session.undo()
    assert session.wanted_frames == (0,)
    session.interact(line(0, 1, (10, 10), (40, 10)))
    session.propagate()
    assert session.wanted_frames is None


def test_objects_can_come_later():
    session = civos()
    session.interact(ONE)
    first = session.propagate()
    session.add_objects()
    assert session.num_objects == 3
    session.interact(at(5, (3, 60, 10)))
    labels = session.propagate()
    assert labels[5, 10, 60] == 3
    assert np.array_equal(labels[2], first[2])
    session.undo()
    session.undo()
    assert session.num_objects == 2
    assert np.array_equal(session.propagate(), first)
    with pytest.raises(ValueError, match=r"objects 1\.\.2"):
        session.interact(at(5, (3, 60, 10)))


def test_an_object_can_come_in_the_middle_of_a_round():
    session = civos()
    session.interact(ONE)
    session.add_objects()
    session.interact(at(5, (3, 60, 10)))
    labels = session.propagate()
    assert labels[5, 10, 60] == 3
    again = civos()
    again.interact(ONE)
    again.add_objects()
    again.interact(at(5, (3, 60, 10)))
    again.undo()
    again.undo()
    assert again.num_objects == 2
    plain = civos()
    plain.interact(ONE)
    assert np.array_equal(again.propagate(), plain.propagate())


def test_a_cancelled_round_can_be_propagated_again():
    session = civos()
    session.interact(ONE)

    def cancel(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.propagate(cancel)
    assert session.propagator.annotated == ()
    labels = session.propagate()
    straight = civos()
    straight.interact(ONE)
    assert np.array_equal(labels, straight.propagate())
