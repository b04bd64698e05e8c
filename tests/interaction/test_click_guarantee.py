import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from civos_siaf.interaction.click_guarantee import disagreeing, hold_clicks, patched, pixel
from civos_siaf.prompts import Click

HEIGHT, WIDTH = 60, 80


def two_halves():
    """An image whose left half is dark and whose right half is bright."""
    image = np.full((HEIGHT, WIDTH, 3), 30, np.uint8)
    image[:, WIDTH // 2 :] = 220
    return image


def test_answers_that_agree_stay():
    prob = np.zeros((1, HEIGHT, WIDTH), np.float32)
    prob[0, 10:40, 10:40] = 0.9
    held = hold_clicks(prob, [Click(0, 1, x=20, y=20), Click(0, 1, x=60, y=50, positive=False)], two_halves())
    assert ((held > 0.5) == (prob > 0.5)).all()


def test_a_negative_click_takes_the_whole_annexed_thing():
    prob = np.zeros((1, HEIGHT, WIDTH), np.float32)
    prob[0, 10:50, 10:70] = 0.9  # the object is the dark half of it
    clicks = [Click(0, 1, x=20, y=30), Click(0, 1, x=60, y=30, positive=False)]
    held = hold_clicks(prob, clicks, two_halves())[0] > 0.5
    assert not held[10:50, 43:70].any()
    assert held[10:50, 10:37].all()


def test_a_piece_without_a_positive_click_goes_entirely():
    prob = np.zeros((1, HEIGHT, WIDTH), np.float32)
    prob[0, 5:20, 5:20] = 0.9
    prob[0, 30:55, 30:75] = 0.9
    clicks = [Click(0, 1, x=10, y=10), Click(0, 1, x=70, y=50, positive=False)]
    held = hold_clicks(prob, clicks, two_halves())[0] > 0.5
    assert held[5:20, 5:20].all()
    assert held.sum() == 15 * 15


def test_a_negative_click_alone_leaves_the_body_of_the_object():
    prob = np.zeros((1, HEIGHT, WIDTH), np.float32)
    prob[0, 5:55, 2:40] = 0.9  # the object, on the dark half, and something bright that it has annexed
    prob[0, 20:30, 40:70] = 0.9
    held = hold_clicks(prob, [Click(0, 1, x=60, y=25, positive=False)], two_halves())[0] > 0.5
    assert held[5:55, 2:37].all()
    assert not held[20:30, 43:70].any()
    # In the middle of it, it means all of it.
    middle = hold_clicks(prob, [Click(0, 1, x=20, y=30, positive=False)], two_halves())[0] > 0.5
    assert not middle.any()


def test_a_missed_positive_click_adds_a_patch():
    prob = np.zeros((2, HEIGHT, WIDTH), np.float32)
    prob[1] = 0.8
    held = hold_clicks(prob, [Click(0, 1, x=30, y=30)], two_halves())
    assert held[0, 30, 30] == 1
    assert held[1, 30, 30] == 0  # the other object gives way
    assert held[1, 5, 5] > 0.5


@settings(max_examples=60)
@given(
    clicks=st.lists(
        st.builds(
            Click,
            st.just(0),
            st.integers(1, 2),
            x=st.floats(0, WIDTH),
            y=st.floats(0, HEIGHT),
            positive=st.booleans(),
        ),
        max_size=8,
        unique_by=lambda click: pixel(click, HEIGHT, WIDTH),
    ),
    seed=st.integers(0, 10),
)
def test_every_click_holds(clicks, seed):
    rng = np.random.default_rng(seed)
    coarse = rng.random((2, 6, 8), dtype=np.float32)
    prob = np.repeat(np.repeat(coarse, 10, axis=1), 10, axis=2)
    image = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    held = hold_clicks(prob, clicks, image)
    for k in (1, 2):
        assert disagreeing(held[k - 1], [click for click in clicks if click.object_id == k]) == 0
    for click in clicks:
        if click.positive:
            y, x = pixel(click, HEIGHT, WIDTH)
            assert held[:, y, x].argmax() == click.object_id - 1


def test_patches_around_clicks_alone():
    prob = np.zeros((100, 120), np.float32)
    prob[20:60, 20:80] = 0.9
    clicks = [Click(0, 1, 30, 30, positive=False), Click(0, 1, 100, 80), Click(0, 1, 70, 50)]
    out = patched(prob, clicks)
    assert disagreeing(out, clicks) == 0
    changed = out != prob
    assert 10 < changed.sum() < 40
    assert changed[26:35, 26:35].any()
    assert changed[76:85, 96:105].any()
    assert prob[30, 30] == np.float32(0.9)
