import numpy as np
import pytest

from civos_siaf import Click, MaskPrompt, Prompts
from civos_siaf.interaction.scribble_interaction import ScribbleInteraction
from civos_siaf.methods import CiVOS, MiVOS
from tests.methods.round_toys import FRAMES, ONE, SIZE, TWO, Circles, Strokes, at, civos, line, mivos
from tests.propagation.toys import ToyPropagation


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
        def predict(self, image, clicks, *, num_objects, previous=None, motion=None):
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
            ScribbleInteraction(network, scale_to_padded=stretched, dilate=False), ToyPropagation(), None
        )
        method.open(FRAMES, num_objects=1).interact(line(0, 1, (69, 39)))
        y, x = network.seen[0][0, 4].nonzero()[0].tolist()
        assert (x, y) == expected


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


BOX = np.zeros(SIZE, bool)
BOX[5:25, 5:35] = True


def box(frame, object_id, mask=BOX):
    return Prompts((MaskPrompt(frame, object_id, mask),))


def test_clicks_after_a_mask_correct_it():
    session = civos()
    session.interact(box(3, 1))
    shown = session.interact(Prompts((Click(3, 1, 10, 10, positive=False),)))
    assert shown[3][10, 10] == 0
    assert shown[3][20, 30] == 1
    _, clicks, previous = session.interaction.clicks.seen[-1]
    assert len(clicks) == 1
    assert np.array_equal(previous[0], BOX)
    added = session.interact(at(3, (1, 60, 30)))
    assert (added[3][10, 10], added[3][30, 60]) == (0, 1)
    assert np.array_equal(session.propagate()[3], added[3])


def test_a_mask_takes_the_place_of_earlier_clicks_on_its_object():
    session = civos()
    session.interact(at(3, (1, 60, 30), (2, 50, 10)))
    shown = session.interact(box(3, 1))
    assert np.array_equal(shown[3] == 1, BOX)
    assert shown[3][10, 50] == 2
    _, clicks, _ = session.interaction.clicks.seen[-1]
    assert [click.object_id for click in clicks] == [2]
    session.undo()
    again = session.interact(at(3, (1, 40, 30)))
    assert again[3][30, 60] == again[3][30, 40] == 1


@pytest.mark.parametrize("remember", [False, True])
def test_an_imported_mask_can_be_corrected_in_later_rounds(remember):
    session = civos(remember_clicks=remember)
    session.interact(at(3, (1, 60, 30)))
    session.interact(box(3, 1))
    assert np.array_equal(session.propagate()[3] == 1, BOX)
    session.interact(Prompts((Click(3, 1, 10, 10, positive=False),)))
    labels = session.propagate()
    assert labels[3][10, 10] == 0
    assert labels[3][20, 30] == 1
    session.interact(at(3, (1, 60, 30)))
    later = session.propagate()
    assert later[3][10, 10] == 0
    assert later[3][30, 60] == 1
    # The click before the mask is not shown again; that of the round before is, if it is remembered.
    assert len(session.interaction.clicks.seen[-1][1]) == (2 if remember else 1)
    session.undo()
    session.undo()
    assert np.array_equal(session.propagate()[3] == 1, BOX)


def test_a_remembered_mask_stays_as_it_is_while_others_are_clicked():
    session = civos(remember_clicks=True)
    session.interact(box(3, 1))
    session.propagate()
    session.interact(at(3, (2, 55, 30)))
    labels = session.propagate()
    assert np.array_equal(labels[3] == 1, BOX)
    assert labels[3][30, 55] == 2


def test_a_mask_in_the_place_of_a_corrected_one_holds_again():
    session = civos(remember_clicks=True)
    session.interact(box(3, 1))
    session.interact(at(3, (1, 60, 30)))
    session.propagate()
    mask = np.zeros(SIZE, bool)
    mask[30:, 40:] = True
    session.interact(box(3, 1, mask))
    assert np.array_equal(session.propagate()[3] == 1, mask)


def test_order_counts_within_one_call():
    click, mask = Click(3, 1, 60, 30), MaskPrompt(3, 1, BOX)
    before, after = civos(), civos()
    assert before.interact(Prompts((click, mask)))[3][30, 60] == 0
    assert after.interact(Prompts((mask, click)))[3][30, 60] == 1


def test_objects_drawn_later_take_pixels_from_a_mask():
    session = mivos()
    session.interact(box(3, 1))
    shown = session.interact(line(3, 2, (10, 10), (30, 10)))
    assert shown[3][8, 20] == 2
    assert (shown[3][15:25, 5:35] == 1).all()
    first = mivos()
    first.interact(line(3, 2, (10, 10), (30, 10)))
    assert np.array_equal(first.interact(box(3, 1))[3] == 1, BOX)


def test_strokes_after_a_mask_see_it_as_the_present_mask():
    session = mivos()
    session.interact(box(3, 1))
    shown = session.interact(line(3, 0, (6, 15), (34, 15)))
    assert shown[3][15, 20] == 0
    assert (shown[3][19:25, 5:35] == 1).all()
    previous = session.propagator.padding.crop(session.interaction.network.seen[-1][:, 3])
    assert np.array_equal(previous[0], BOX)
