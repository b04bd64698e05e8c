import numpy as np
import pytest

from civos_siaf.masks import davis_palette
from civos_siaf.prompts import Click, Prompts, Scribble
from civos_siaf.video.overlay import GREEN, RED, VIVID, contrasting_colours, draw_prompts, overlay


def test_background_stays_and_objects_are_tinted():
    image = np.full((20, 30, 3), 100, np.uint8)
    labels = np.zeros((20, 30), np.uint8)
    labels[5:15, 5:15] = 2
    before = image.copy()
    mixed = overlay(image, labels, opacity=0.25)
    assert (mixed[labels == 0] == 100).all()
    inside = (100 * 0.75 + davis_palette()[2] * 0.25).round()
    assert np.abs(mixed[10, 10] - inside).max() <= 1
    assert (mixed[5, 5] == davis_palette()[2]).all()  # the outline is not mixed
    assert (image == before).all()


def test_opacity_is_checked():
    with pytest.raises(ValueError, match=r"\[0, 1\], got 1\.5"):
        overlay(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.uint8), opacity=1.5)


def test_prompts_are_drawn_where_they_are():
    image = np.zeros((60, 80, 3), np.uint8)
    stroke = Scribble(0, 1, [[10, 50], [30, 50]])
    clicks = (Click(0, 1, x=20, y=10), Click(0, 1, x=60, y=10, positive=False))
    draw_prompts(image, Prompts((*clicks, stroke)))
    assert tuple(image[10, 20]) == GREEN
    assert tuple(image[10, 60]) == RED
    assert tuple(image[50, 20]) == tuple(davis_palette()[1])
    assert not image[30].any()
    half = np.zeros((30, 40, 3), np.uint8)
    draw_prompts(half, Prompts(clicks), scale=0.5)
    assert tuple(half[5, 10]) == GREEN


def test_other_colours():
    colours = np.zeros((256, 3), np.uint8)
    colours[2] = (1, 2, 3)
    labels = np.zeros((5, 5), np.uint8)
    labels[1:4, 1:4] = 2
    drawn = overlay(np.full((5, 5, 3), 9, np.uint8), labels, opacity=1.0, colours=colours)
    assert (drawn[labels == 2] == (1, 2, 3)).all()
    assert (drawn[labels == 0] == 9).all()


@pytest.mark.parametrize("own", VIVID.tolist())
def test_contrasting_colours_are_far_from_the_object_the_picture_and_each_other(own):
    image = np.full((20, 30, 3), (40, 90, 220), np.uint8)
    labels = np.zeros((20, 30), np.uint8)
    labels[:5, :5], labels[10:, 20:] = 1, 4
    image[labels > 0] = own
    colours = contrasting_colours(image, labels)
    for k in (1, 4):
        assert np.linalg.norm(colours[k].astype(int) - own) > 100
        assert np.linalg.norm(colours[k].astype(int) - (40, 90, 220)) > 100
    assert np.linalg.norm(colours[1].astype(int) - colours[4]) > 100
    assert (colours[0] == 0).all()


def test_a_rim_of_black_surrounds_the_outline():
    labels = np.zeros((20, 20), np.uint8)
    labels[5:15, 5:15] = 1
    drawn = overlay(np.full((20, 20, 3), 200, np.uint8), labels, rim=True)
    assert drawn[4, 10].tolist() == [0, 0, 0]
    assert (drawn[5, 10] == davis_palette()[1]).all()
    assert drawn[2, 10].tolist() == [200, 200, 200]
