import numpy as np
import pytest

from civos_siaf.data.composites import CompositeClips, PasteMotion, over
from civos_siaf.data.samples import Clip


def rng(seed=0):
    return np.random.default_rng(seed)


class Square:
    """A square of one colour that moves right, on a plain ground."""

    def __init__(self, colour, ground, *, at=(40, 40), side=24, videos=2):
        self.colour, self.ground, self.at, self.side, self.videos = colour, ground, at, side, videos

    def __len__(self):
        return self.videos

    def clip(self, index, rng, *, frames, gap):
        images = np.full((frames, 100, 120, 3), self.ground, np.uint8)
        labels = np.zeros((frames, 100, 120), np.uint8)
        y, x = self.at
        for t in range(frames):
            place = t, slice(y, y + self.side), slice(x + 3 * t, x + 3 * t + self.side)
            images[place] = self.colour
            labels[place] = 1
        return Clip("square", images, labels)


RED = Square((250, 0, 0), 100)
GREEN = Square((0, 250, 0), 30)


def test_both_objects_keep_colour_and_label():
    clips = CompositeClips(RED, GREEN, count=(1, 1))
    for seed in range(10):
        clip = clips.clip(0, rng(seed), frames=3, gap=1)
        assert clip.labels.max() == 2
        red, green = (np.median(clip.images[clip.labels == k], axis=0) for k in (1, 2))
        assert red.tolist() == [250, 0, 0]
        assert green.tolist() == [0, 250, 0]
        outside = clip.images[clip.labels == 0]
        assert np.median(outside, axis=0).tolist() == [100, 100, 100], "the cut brought its own ground along"


def test_the_base_keeps_enough_of_its_object():
    clips = CompositeClips(RED, GREEN, count=(1, 1), motion=PasteMotion(left=0.7, behind=0, size=(0.3, 0.5)))
    for seed in range(30):
        assert np.count_nonzero(clips.clip(0, rng(seed), frames=2, gap=1).labels[0] == 1) >= 0.7 * 24**2


def test_behind_changes_nothing_of_the_base_object():
    clips = CompositeClips(
        RED, GREEN, count=(2, 2), motion=PasteMotion(behind=1, size=(0.5, 0.6), enlarged=9)
    )
    plain = RED.clip(0, rng(), frames=2, gap=1)
    hidden = 0
    for seed in range(10):
        clip = clips.clip(0, rng(seed), frames=2, gap=1)
        inside = plain.labels == 1
        assert (clip.labels[inside] == 1).all()
        assert np.array_equal(clip.images[inside], plain.images[inside])
        hidden += int(clip.labels.max() == 3)
    assert hidden > 5


def test_same_generator_same_clip():
    clips = CompositeClips(RED, GREEN)
    first, again, other = (clips.clip(1, rng(seed), frames=3, gap=1) for seed in (4, 4, 5))
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.images, other.images)


def test_objects_cut_by_the_frame_are_not_pasted():
    cut = Square((0, 250, 0), 30, at=(0, 40))
    clips = CompositeClips(RED, cut)
    assert all(clips.clip(0, rng(seed), frames=2, gap=1).labels.max() == 1 for seed in range(5))


def test_sometimes_nothing_is_pasted():
    clips = CompositeClips(RED, GREEN, probability=0.5)
    counts = [clips.clip(0, rng(seed), frames=1, gap=1).labels.max() for seed in range(30)]
    assert 5 < sum(count == 1 for count in counts) < 25


def test_the_edge_is_soft():
    clip = CompositeClips(RED, GREEN, count=(1, 1)).clip(0, rng(3), frames=1, gap=1)
    ground = (clip.images == 100).all(-1) | (clip.images == (250, 0, 0)).all(-1)
    pure = (clip.images == (0, 250, 0)).all(-1)
    assert np.count_nonzero(~ground & ~pure) > 20


def test_over_numbers_the_upper_objects_anew():
    below, top = RED.clip(0, rng(), frames=1, gap=1), GREEN.clip(0, rng(), frames=1, gap=1)
    top.labels[0, 0, 0] = 255
    both = over(below, top)
    assert set(np.unique(both.labels)) == {0, 2}
    assert both.images[0, 50, 50].tolist() == [0, 250, 0]
    assert both.images[0, 0, 0].tolist() == [100, 100, 100]
    with pytest.raises(ValueError, match="differ"):
        over(below, RED.clip(0, rng(), frames=2, gap=1))


def test_wrong_options():
    with pytest.raises(ValueError, match="no videos"):
        CompositeClips(RED, Square(0, 0, videos=0))
    with pytest.raises(ValueError, match="count must be"):
        CompositeClips(RED, count=(2, 1))
