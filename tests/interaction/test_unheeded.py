import numpy as np
import pytest

from civos_siaf import Click
from civos_siaf.interaction.round_clicks import RoundClicks
from civos_siaf.interaction.unheeded import RADIUS, Insistence
from civos_siaf.networks.light_clicks import LightClicks

SIZE = (60, 80)


def box(top, bottom, left, right, value=1.0):
    prob = np.zeros(SIZE, np.float32)
    prob[top:bottom, left:right] = value
    return prob


BODY, LEG = box(10, 40, 10, 50), box(40, 50, 20, 30, 0.9)
ON_LEG = Click(0, 1, 25, 45)


def insist(found, *clicks, prob=BODY, before=BODY, others=(), largest=0.3):
    asked = []

    def answer(shown):
        asked.append(shown)
        return found

    given = np.stack([before, *others])
    return Insistence(largest)(prob, clicks, answer, before=given, k=0), asked


def test_what_the_click_finds_alone_is_added():
    prob, asked = insist(LEG, ON_LEG, Click(0, 1, 70, 5, positive=False), Click(0, 1, 12, 12))
    assert np.array_equal(prob, np.maximum(BODY, LEG))
    # Asked with the negative click, without the other positive one, which lies in the mask.
    assert asked == [(ON_LEG, Click(0, 1, 70, 5, positive=False))]


def test_only_the_region_around_the_click_counts():
    far = LEG + box(2, 8, 60, 78)
    prob, _ = insist(far, ON_LEG)
    assert np.array_equal(prob, np.maximum(BODY, LEG))


def test_a_click_that_finds_nothing_has_a_few_pixels_of_its_own():
    prob, _ = insist(np.full(SIZE, 0.4, np.float32), ON_LEG)
    assert prob[45, 25] == np.float32(0.4)
    assert (prob != BODY).sum() == pytest.approx(np.pi * RADIUS**2, abs=30)


def test_what_is_enough_or_too_much_stays_as_it_is():
    heeded = np.maximum(BODY, box(40, 55, 15, 35))
    assert np.array_equal(insist(LEG, ON_LEG, prob=heeded)[0], heeded)
    huge = box(0, 60, 0, 80)
    assert np.array_equal(insist(huge, ON_LEG)[0], BODY)
    assert not np.array_equal(insist(huge, ON_LEG, largest=10)[0], BODY)


def test_other_objects_keep_their_pixels():
    other = box(44, 60, 0, 80)
    prob, _ = insist(LEG, Click(0, 1, 25, 42), others=[other])
    assert np.array_equal(prob > 0.5, (BODY > 0.5) | ((LEG > 0.5) & (other < 0.5)))


@pytest.mark.parametrize("click", [Click(0, 1, 12, 12), Click(0, 1, 25, 45, positive=False)])
def test_clicks_in_the_mask_and_negative_ones_ask_nothing(click):
    prob, asked = insist(LEG, click)
    assert prob is BODY
    assert not asked


def test_a_first_click_asks_nothing():
    prob, asked = insist(LEG, ON_LEG, before=np.zeros(SIZE, np.float32))
    assert prob is BODY
    assert not asked


def test_a_round_of_clicks_insists():
    seen = []

    class Everything(Insistence):
        def __call__(self, prob, clicks, answer, *, before, k):
            seen.append((k, before.copy(), answer(clicks).shape))
            return np.ones_like(prob)

    network = LightClicks(internal_side=64).eval().requires_grad_(False)
    clicks = RoundClicks(network, mode="NoBRS", flip=False, untouched="keep", insistence=Everything())
    previous = np.stack([BODY, LEG])
    prob = clicks.predict(np.zeros((*SIZE, 3), np.uint8), [ON_LEG], num_objects=2, previous=previous)
    assert [(k, shape) for k, _, shape in seen] == [(0, SIZE)]
    assert np.array_equal(seen[0][1], previous)
    assert (prob[0] == 1).all()
    assert np.array_equal(prob[1], LEG)
