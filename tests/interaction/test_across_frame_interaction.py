import numpy as np
import pytest
import torch

from civos_siaf import Click, Prompts, Scribble
from civos_siaf.interaction.across_frame_interaction import AcrossFrameInteraction, PromptedFrame
from tests.interaction.fake_afi import FakeAfi

SIZE = (40, 70)
RNG = np.random.default_rng(0)


def frame(*prompts, labels=None, size=SIZE):
    return PromptedFrame(RNG.integers(0, 256, (*size, 3), dtype=np.uint8), Prompts(prompts), labels)


def stroke(object_id, x, y):
    return Scribble(0, object_id, [(x - 4, y), (x + 4, y)])


def test_what_the_network_is_given():
    net = FakeAfi()
    before = np.zeros(SIZE, np.uint8)
    before[5:15, 5:15] = 2
    frames = [frame(stroke(1, 20, 20)), frame(stroke(0, 50, 30), Click(0, 2, 30, 30), labels=before)]
    labels = AcrossFrameInteraction(net).predict(frames, num_objects=2)
    ((images, marks, previous),) = net.seen
    assert images.shape == (1, 2, 3, 64, 96)
    assert marks.shape == previous.shape == (1, 2, 11, 64, 96)
    red = frames[0].rgb[7, 9, 0] / 255
    assert images[0, 0, 0, 7, 9].item() == pytest.approx((red - 0.485) / 0.229, abs=1e-5)
    assert not images[..., 40:, :].any()
    assert not images[..., 70:].any()
    assert marks.sum(dim=(-1, -2)).nonzero().tolist() == [[0, 0, 1], [0, 1, 0], [0, 1, 2]]
    assert marks[0, 0, 1].sum() == 3 * 11
    assert marks[0, 1, 2].sum() == 25
    # Unknown is not background, and neither is the padding.
    assert not previous[0, 0].any()
    assert previous[0, 1].sum() == 40 * 70
    assert previous[0, 1, 2].sum() == 100
    assert [x.shape for x in labels] == [SIZE, SIZE]
    assert labels[0].dtype == np.uint8
    assert labels[0][20, 20] == 1
    assert labels[1][30, 30] == 2
    assert labels[1][10, 10] == 2
    assert labels[1][30, 50] == 0


def test_an_object_marked_on_one_frame_is_found_on_others():
    frames = [frame(stroke(1, 20, 20)), frame(stroke(2, 50, 20)), frame(stroke(0, 35, 5))]
    labels = AcrossFrameInteraction(FakeAfi()).predict(frames, num_objects=2)
    assert [(x[20, 20], x[20, 50]) for x in labels] == [(1, 2)] * 3


def test_the_order_of_the_frames_does_not_matter():
    frames = [frame(stroke(1, 20, 20)), frame(stroke(2, 50, 20)), frame(stroke(0, 35, 5))]
    find = AcrossFrameInteraction(FakeAfi())
    forward, backward = (find.predict(x, num_objects=2) for x in (frames, frames[::-1]))
    assert all(np.array_equal(a, b) for a, b in zip(forward, backward[::-1], strict=True))


def test_eleven_objects_are_two_groups():
    net = FakeAfi(reach=2)
    before = np.zeros(SIZE, np.uint8)
    before[30:, :10], before[30:, 10:20] = 4, 11
    places = {1: 8, 3: 24, 10: 40, 11: 58}
    strokes = [stroke(k, x, 8) for k, x in places.items()]
    (labels,) = AcrossFrameInteraction(net).predict([frame(*strokes, labels=before)], num_objects=11)
    ((images, marks, previous),) = net.seen
    assert images.shape[0] == 1
    assert marks.shape[:3] == previous.shape[:3] == (2, 1, 11)
    assert marks[:, 0].sum(dim=(-1, -2)).bool().tolist() == [
        [c in (0, 1, 3, 10) for c in range(11)],
        [c in (0, 1) for c in range(11)],
    ]
    assert previous[1, 0, 1].sum() == previous[0, 0, 4].sum() == 100
    assert previous[0, 0, 0, 35, 15] == 1
    assert previous[1, 0, 0, 35, 5] == 1
    assert [labels[8, x] for x in places.values()] == list(places)
    assert (labels[35, 5], labels[35, 15], labels[25, 60]) == (4, 11, 0)


def test_the_two_groups_are_as_if_alone_with_the_product_of_their_backgrounds():
    class Noise(FakeAfi):
        def quarter(self, images, marks, previous):
            g = torch.Generator().manual_seed(3)
            self.noise = torch.randn(2, 1, 11, 16, 24, generator=g)
            return self.noise

    net = Noise()
    (labels,) = AcrossFrameInteraction(net).predict([frame(stroke(11, 20, 20))], num_objects=11)
    large = torch.nn.functional.interpolate(
        net.noise[:, 0], scale_factor=4, mode="bilinear", align_corners=False
    )[..., :40, :70]
    one, two = large[0].softmax(dim=0), large[1, :2].softmax(dim=0)
    expected = torch.cat([one[:1] * two[:1], one[1:], two[1:]]).argmax(dim=0)
    assert np.array_equal(labels, expected.numpy())
    assert 11 in labels


def test_what_was_never_named_is_nowhere():
    class Sure(FakeAfi):
        def quarter(self, images, marks, previous):
            return torch.arange(11.0).view(1, 1, 11, 1, 1).expand(1, 1, 11, 16, 24).clone()

    find = AcrossFrameInteraction(Sure())
    views = [frame(stroke(1, 20, 20))]
    assert (find.predict(views, num_objects=3)[0] == 3).all()
    assert (find.predict(views, num_objects=3, objects=[1, 2])[0] == 2).all()
    assert (find.predict(views, num_objects=3, objects=[])[0] == 0).all()


def test_large_frames_are_seen_smaller():
    net = FakeAfi()
    before = np.zeros((80, 140), np.uint8)
    before[60:, :] = 1
    view = frame(stroke(2, 40, 20), labels=before, size=(80, 140))
    (labels,) = AcrossFrameInteraction(net, max_short=40).predict([view], num_objects=2)
    assert net.seen[0][0].shape[-2:] == (64, 96)
    assert labels.shape == (80, 140)
    assert (labels[20, 40], labels[75, 100], labels[10, 120]) == (2, 1, 0)
    assert net.seen[0][2][0, 0, 1].sum() == 10 * 70


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="max_short must be 1 or more, got 0"):
        AcrossFrameInteraction(FakeAfi(), max_short=0)
    with pytest.raises(ValueError, match="precision must be"):
        AcrossFrameInteraction(FakeAfi(), precision="int8")
