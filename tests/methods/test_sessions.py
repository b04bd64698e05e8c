import numpy as np
import pytest
import torch

from civos_siaf import Box, Click, MaskPrompt, Prompts, Scribble
from civos_siaf.aggregate import aggregate
from civos_siaf.interaction.click_masks import ClickMasks
from civos_siaf.interaction.scribble_masks import ScribbleMasks
from civos_siaf.methods import CiVOS, MiVOS
from civos_siaf.methods.session import RoundRules, RoundSession
from civos_siaf.propagation.propagator import Propagator
from civos_siaf.propagation.settings import PropagationSettings
from tests.propagation.toys import ToyFusion, ToyPropagation, video

FRAMES = video(8)
SIZE = (40, 70)


class Circles:
    """Takes the part of `RoundClicks`: a disk around each click; notes what it is given."""

    def __init__(self):
        self.seen = []

    def predict(self, image, clicks, *, num_objects, previous=None):
        self.seen.append((image, list(clicks), previous))
        rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
        prob = np.zeros((num_objects, *SIZE), np.float32) if previous is None else 0.9 * previous
        for click in clicks:
            near = np.hypot(rows - click.y, columns - click.x) < 9
            prob[click.object_id - 1][near] = 0.8 if click.positive else 0.1
        return prob


class Strokes(torch.nn.Module):
    """Takes the part of S2M: previous mask or positive, not negative; notes what it is given."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, inputs):
        self.seen.append(inputs.clone())
        return 8 * ((inputs[:, 3:4] + inputs[:, 4:5]).clamp(0, 1) - inputs[:, 5:6]) - 4


def civos(**options):
    method = CiVOS(
        Circles(), ToyPropagation(), ToyFusion(), settings=PropagationSettings(mem_freq=2), **options
    )
    return method.open(FRAMES, num_objects=2)


def mivos(num_objects=2, **options):
    method = MiVOS(
        ScribbleMasks(Strokes()),
        ToyPropagation(),
        ToyFusion(),
        settings=PropagationSettings(mem_freq=2),
        **options,
    )
    return method.open(FRAMES, num_objects=num_objects)


def at(frame, *places):
    return Prompts(tuple(Click(frame, k, x, y) for k, x, y in places))


def line(frame, object_id, *points):
    return Prompts((Scribble(frame, object_id, points),))


ONE, TWO = at(2, (1, 15, 12), (2, 50, 25)), at(6, (1, 30, 20))


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


def test_the_previous_mask_is_the_stored_probability_on_the_unpadded_frame():
    session = civos()
    session.interact(ONE)
    session.propagate()
    propagator = session.propagator
    expected = propagator.padding.crop(propagator.masks.prob(6)[1:]).clone()
    session.interact(TWO)
    assert np.array_equal(session.interaction.clicks.seen[-1][2], expected)
    assert 0 < expected.max() < 1
    hard = civos(previous="hard")
    hard.interact(ONE)
    labels = hard.propagate()
    hard.interact(TWO)
    assert np.array_equal(hard.interaction.clicks.seen[-1][2][1], labels[6] == 2)
    none = civos(previous="none")
    none.interact(ONE)
    assert none.interaction.clicks.seen[-1][2] is None


def test_clicks_of_a_round_add_up_and_those_before_are_forgotten_or_not():
    for remember, expected in ((False, [1, 2, 1]), (True, [1, 2, 3])):
        session = civos(remember_clicks=remember)
        session.interact(at(2, (1, 15, 12)))
        session.interact(at(2, (1, 20, 12)))
        session.propagate()
        session.interact(at(2, (2, 50, 25)))
        assert [len(c) for _, c, _ in session.interaction.clicks.seen] == expected


@pytest.mark.parametrize(("background", "expected"), [("min", 0), ("product", 1)])
def test_the_rule_of_the_background_decides_between_weak_objects(background, expected):
    class Weak(Circles):
        def predict(self, image, clicks, *, num_objects, previous=None):
            return np.stack([np.full(SIZE, 0.45, np.float32), np.full(SIZE, 0.44, np.float32)])

    method = CiVOS(Weak(), ToyPropagation(), None, background=background)
    shown = method.open(FRAMES, num_objects=2).interact(ONE)
    assert (shown[2] == expected).all()


def test_without_resolving_overlaps_masks_are_thresholded_and_the_rim_is_background():
    session = civos(resolve_overlaps=False)
    session.interact(at(2, (1, 20, 20), (2, 24, 20)))
    session.propagate()
    prob = session.propagator.masks.prob(2)
    assert prob[1:, 24, 26].tolist() == [1, 1]  # 4 rows and 5 columns of padding
    assert prob[0, 0].all()


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


def test_corrections_start_from_what_the_last_round_showed():
    session = mivos()
    network = session.interaction.network
    session.interact(line(0, 1, (10, 10), (40, 10)))
    first = session.propagate()
    session.interact(line(0, 2, (10, 30), (40, 30)))
    second = session.propagate()
    previous = session.propagator.padding.crop(network.seen[-1][:, 3])
    assert np.array_equal(previous[0], first[0] == 1)
    assert not previous[1].any()
    assert not first[1:].any()
    assert set(np.unique(second[0])) == {0, 1, 2}


def test_scribbles_become_maps_of_own_and_other_lines():
    session = mivos(3)
    session.interact(
        line(1, 1, (10, 10), (20, 10)) + line(1, 0, (10, 20), (20, 20)) + line(1, 3, (10, 30), (20, 30))
    )
    (seen,) = session.interaction.network.seen
    assert seen.shape == (3, 6, 48, 80)
    positive, negative = seen[:, 4].sum(dim=(1, 2)), seen[:, 5].sum(dim=(1, 2))
    # Lines of 12 pixels on the stretched frame, dilated to 14 x 3.
    assert positive.tolist() == [42, 0, 42]
    assert negative.tolist() == [84, 126, 84]


def test_scribbles_are_stretched_to_the_padded_frame_or_moved_with_it():
    for stretched, expected in ((True, (79, 47)), (False, (5 + 69, 4 + 39))):
        network = Strokes()
        method = MiVOS(
            ScribbleMasks(network, scale_to_padded=stretched, dilate=False), ToyPropagation(), None
        )
        method.open(FRAMES, num_objects=1).interact(line(0, 1, (69, 39)))
        y, x = network.seen[0][0, 4].nonzero()[0].tolist()
        assert (x, y) == expected


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


def test_results_are_copies():
    session = mivos()
    shown = session.interact(line(0, 1, (10, 10), (40, 10)))
    labels = session.propagate()
    expected = labels.copy()
    shown[0][:] = labels[:] = 7
    assert np.array_equal(session.propagate(), expected)


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


def test_masks_are_taken_as_they_are():
    session = mivos()
    mask = np.zeros(SIZE, bool)
    mask[5:20, 5:30] = True
    shown = session.interact(Prompts((MaskPrompt(3, 2, mask),)))
    assert np.array_equal(shown[3], 2 * mask)
    assert session.interaction.network.seen == []
    both = session.interact(line(3, 1, (10, 35), (40, 35)))
    assert set(np.unique(both[3])) == {0, 1, 2}
    assert (both[3][mask] == 2).all()


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
        ClickMasks(Circles(), previous="yes")


def test_no_prompts_change_nothing():
    session = civos()
    assert session.interact(Prompts()) == {}
    assert not session.propagate().any()
    session.interact(ONE)
    labels = session.propagate()
    session.interact(Prompts())
    assert np.array_equal(session.propagate(), labels)


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
