import numpy as np
import pytest
import torch

from civos_siaf import Click, Prompts
from civos_siaf.interaction.brs_click_interaction import MEAN_COLOUR, BrsClickInteraction
from civos_siaf.interaction.frame_interaction import FrameView
from civos_siaf.networks.padding import Padding


class Disks:
    """Takes the part of `ClickPredictor`: disks around the clicks since the last image."""

    def __init__(self):
        self.images, self.clicks, self.added = [], [], 0

    def set_image(self, image, previous=None):
        assert previous is None
        self.images.append(image)
        self.clicks = []

    def add(self, click):
        self.added += 1
        self.clicks.append(click)

    @property
    def probability(self):
        rows, columns = np.mgrid[: self.images[-1].shape[0], : self.images[-1].shape[1]]
        prob = np.zeros(rows.shape, np.float32)
        for click in self.clicks:
            prob[np.hypot(rows - click.y, columns - click.x) < 5] = 0.9 if click.positive else 0
        return prob


def view(prob=None):
    padding = Padding.to_multiple(20, 40, 16)
    if prob is None:
        prob = torch.zeros(3, *padding.size)
    return FrameView(
        index=0,
        rgb=np.full((20, 40, 3), 200, np.uint8),
        image=torch.zeros(1, 3, *padding.size),
        padding=padding,
        prob=prob,
        labels=np.zeros(padding.size, np.uint8),
    )


def clicks(*places):
    return Prompts(tuple(Click(0, k, x, y, positive) for k, x, y, positive in places))


def test_clicks_move_with_the_padding_and_the_rim_has_the_mean_colour():
    predictor = Disks()
    masks = BrsClickInteraction(predictor).predict(view(), [clicks((1, 10, 8, True))])
    assert masks.shape == (3, 32, 48)
    assert masks.argmax(dim=0)[8 + 6, 10 + 4] == 1
    assert masks.argmax(dim=0)[8 + 6, 10 + 4 + 8] == 0
    assert tuple(predictor.images[0][0, 0]) == MEAN_COLOUR
    assert tuple(predictor.images[0][6, 4]) == (200, 200, 200)
    inside = BrsClickInteraction(Disks(), padded=False).predict(view(), [clicks((1, 10, 8, True))])
    assert torch.equal(inside, masks)


def test_the_mask_replaces_the_objects_own_and_the_others_stay():
    prob = torch.zeros(3, 32, 48)
    prob[1, :, :24], prob[2, :, 30:] = 0.9, 0.8
    masks = BrsClickInteraction(Disks()).predict(view(prob), [clicks((1, 20, 10, True))])
    labels = masks.argmax(dim=0)
    assert labels[16, 24] == 1
    assert labels[2, 2] == 0
    assert (labels[:, 31:] == 2).all()


def test_within_a_call_clicks_are_taken_object_by_object():
    call = clicks((1, 10, 8, True), (2, 30, 8, True), (1, 12, 8, True), (2, 32, 8, False))
    predictor = Disks()
    BrsClickInteraction(predictor).predict(view(), [call])
    assert len(predictor.images) == 2
    assert [(c.object_id, c.positive) for c in predictor.clicks] == [(2, True), (2, False)]


@pytest.mark.parametrize("forget", [True, False])
def test_a_series_ends_when_another_object_is_clicked(forget):
    calls = [clicks((1, 5, 8, True)), clicks((2, 30, 8, True)), clicks((1, 18, 8, True))]
    labels = BrsClickInteraction(Disks(), forget_on_change=forget).predict(view(), calls).argmax(dim=0)
    assert labels[14, 22] == 1
    assert labels[14, 34] == 2
    assert labels[14, 9] == (0 if forget else 1)


def test_a_longer_series_goes_on_where_the_last_call_ended():
    predictor = Disks()
    masks = BrsClickInteraction(predictor)
    one, two, other = clicks((1, 5, 8, True)), clicks((1, 9, 8, True)), clicks((1, 20, 8, True))
    masks.predict(view(), [one])
    masks.predict(view(), [one, two])
    assert (predictor.added, len(predictor.images)) == (2, 1)
    masks.predict(view(), [one, other])
    assert (predictor.added, len(predictor.images)) == (4, 2)
