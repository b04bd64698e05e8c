import numpy as np
import pytest
import torch

from civos_siaf import Box, Click, MaskPrompt, Prompts
from civos_siaf.interaction.click_interaction import ClickInteraction
from civos_siaf.methods.session import RoundRules, RoundSession
from civos_siaf.networks.aggregate import aggregate
from civos_siaf.propagation.propagator import Propagator
from tests.methods.round_toys import FRAMES, ONE, SIZE, TWO, Circles, at, civos, line, mivos
from tests.propagation.toys import ToyPropagation


def test_a_round_of_civos():
    session = civos()
    shown = session.interact(ONE)
    labels = session.propagate()
    assert list(shown) == [2]
    assert np.array_equal(shown[2], labels[2])
    assert labels.shape == (8, *SIZE)
    assert labels.dtype == np.uint8
    assert (labels[2, 12, 15], labels[2, 25, 50], labels[2, 0, 0]) == (1, 2, 0)
    assert session.wanted_frames is None
    clicks = session.interaction.clicks.seen
    assert [len(c) for _, c, _ in clicks] == [2]
    assert clicks[0][0].shape == (*SIZE, 3)
    assert not clicks[0][2].any()


def test_the_schedule_of_davis():
    session = mivos()
    rounds = []
    for number in range(9):
        frame = min(number // 3, 2) * 3
        session.interact(line(frame, 1 + number % 2, (10 + 3 * number, 10), (30, 10 + number)))
        before = session.propagator.annotated
        labels = session.propagate()
        rounds.append((session.wanted_frames, len(session.propagator.annotated) - len(before)))
        assert labels[frame].any()
    asked = [
        ((0,), 0),
        ((0,), 0),
        (None, 1),
        ((3,), 0),
        ((3,), 0),
        (None, 1),
        ((6,), 0),
        (None, 1),
        (None, 1),
    ]
    assert rounds == asked


def test_results_are_copies():
    session = mivos()
    shown = session.interact(line(0, 1, (10, 10), (40, 10)))
    labels = session.propagate()
    expected = labels.copy()
    shown[0][:] = labels[:] = 7
    assert np.array_equal(session.propagate(), expected)


def test_labels_are_seen_as_they_are_found():
    session = civos()
    session.interact(ONE)
    seen, sure = {}, {}

    def arrived(frame, found, confidence):
        seen[frame], sure[frame] = found, confidence

    labels = session.propagate(arrived=arrived)
    assert sorted(seen) == list(range(len(FRAMES)))
    assert sure[2] == 1
    assert all(0 < own < 1 for t, own in sure.items() if t != 2)
    assert all(np.array_equal(labels[t], found) for t, found in seen.items())
    assert Click in session.accepts


@pytest.mark.parametrize(("taken", "expected"), [("first", [2]), ("last", [6]), ("all", [2, 6])])
def test_of_the_frames_in_one_call_some_count(taken, expected):
    session = civos(taken=taken)
    assert list(session.interact(ONE + TWO)) == expected
    session.propagate()
    assert list(session.propagator.annotated) == expected


def test_what_a_method_does_not_understand_is_refused():
    with pytest.raises(ValueError, match="takes Click, MaskPrompt"):
        civos().interact(line(0, 1, (1, 1)))
    with pytest.raises(ValueError, match="takes Scribble, MaskPrompt"):
        mivos().interact(ONE)
    with pytest.raises(ValueError, match="takes"):
        mivos().interact(Prompts((Box(0, 1, 1, 1, 5, 5),)))
    with pytest.raises(ValueError, match=r"frames 0\.\.7"):
        civos().interact(at(8, (1, 1, 1)))
    with pytest.raises(ValueError, match="size"):
        civos().interact(Prompts((MaskPrompt(0, 1, np.zeros((3, 3), bool)),)))
    with pytest.raises(ValueError, match="taken"):
        RoundRules(taken="middle")
    with pytest.raises(ValueError, match="previous"):
        ClickInteraction(Circles(), previous="yes")


def test_no_prompts_change_nothing():
    session = civos()
    assert session.interact(Prompts()) == {}
    assert not session.propagate().any()
    session.interact(ONE)
    labels = session.propagate()
    session.interact(Prompts())
    assert np.array_equal(session.propagate(), labels)


def test_any_interaction_fits_a_session():
    class Halves:
        accepts = (Click,)

        def predict(self, view, calls):
            prob = torch.full((view.num_objects, *SIZE), 0.2)
            prob[0, :, : SIZE[1] // 2] = 0.9
            return aggregate(prob)

    session = RoundSession(
        FRAMES, Halves(), Propagator(ToyPropagation(), None, FRAMES, num_objects=1), RoundRules()
    )
    seen = []
    session.interact(at(0, (1, 1, 1)))
    session.propagate(lambda done, total: seen.append((done, total)))
    assert seen[-1] == (7, 7)


def test_a_round_that_changes_nothing_tries_harder(monkeypatch):
    again = Prompts((Click(2, 1, x=15, y=12), Click(2, 2, x=50, y=25)))
    for share, expected in ((0.0, 0), (0.5, 1)):
        session = civos(retry_below=share)
        calls = []
        spread = session.propagator.repropagate

        def counting(*args, spread=spread, calls=calls, **options):
            calls.append(args)
            spread(*args, **options)

        monkeypatch.setattr(session.propagator, "repropagate", counting)
        session.interact(ONE)
        first = session.propagate()
        assert not calls  # there was nothing to change before
        session.interact(again)
        second = session.propagate()
        assert len(calls) == expected
        assert second.shape == first.shape
        session.undo()
        assert np.array_equal(session.propagator.masks.video(), first)


def test_a_large_change_is_left_as_it_is(monkeypatch):
    session = civos(retry_below=0.005)
    session.interact(ONE)
    first = session.propagate()
    monkeypatch.setattr(session.propagator, "repropagate", None)
    session.interact(Prompts((Click(6, 1, x=60, y=30), Click(6, 1, x=40, y=8))))
    assert (session.propagate() != first).mean() > 0.005


def test_shares_are_checked():
    with pytest.raises(ValueError, match=r"retry_below must be in \[0, 1\], got 2"):
        civos(retry_below=2)


def test_probabilities_are_those_of_the_labels():
    session = civos()
    session.interact(ONE)
    labels = session.propagate()
    for frame in (0, 2, 5):
        prob = session.probabilities(frame)
        assert prob.shape == (session.num_objects + 1, *SIZE)
        assert torch.allclose(prob.sum(dim=0), torch.ones(SIZE), atol=1e-5)
        assert np.array_equal(prob.argmax(dim=0).numpy(), labels[frame])
