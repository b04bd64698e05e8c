import numpy as np
import pytest

from civos_siaf.data.mixture import ClipFrames, ClipMixture, ImageMixture
from civos_siaf.data.samples import Clip, ImageSample


class Images:
    def __init__(self, name, count):
        self.name, self.count = name, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return ImageSample(f"{self.name}{index}", np.zeros((2, 2, 3), np.uint8), np.zeros((0, 2, 2), bool))


class Clips:
    def __init__(self, name, count=3):
        self.name, self.count = name, count

    def __len__(self):
        return self.count

    def clip(self, index, rng, *, frames, gap):
        labels = np.zeros((frames, 4, 4), np.uint8)
        labels[:, 0, : 1 + int(rng.integers(3))] = 2
        labels[:, 3] = 255
        return Clip(f"{self.name}{index}", np.zeros((frames, 4, 4, 3), np.uint8), labels)


def test_images_come_in_proportion_and_by_number():
    mixture = ImageMixture([Images("a", 5), Images("b", 50)], [3, 1])
    names = [mixture[i].name for i in range(0, 4000)]
    assert 0.74 < np.mean([name[0] == "a" for name in names]) < 0.76
    assert {name for name in names if name[0] == "a"} == {f"a{i}" for i in range(5)}
    assert len({name for name in names if name[0] == "b"}) == 50
    assert mixture[17].name == names[17]


def test_clips_come_in_proportion():
    mixture = ClipMixture([Clips("a"), Clips("b")], [1, 4])
    rng = np.random.default_rng(0)
    names = [mixture.clip(i, rng, frames=1, gap=1).name for i in range(len(mixture))]
    assert 0.19 < np.mean([name[0] == "a" for name in names]) < 0.21
    assert set(names) == {f"{source}{i}" for source in "ab" for i in range(3)}


def test_frames_of_clips_as_images():
    frames = ClipFrames(Clips("v"), per_video=8)
    assert len(frames) == 24
    sample = frames[4]
    assert sample.name == "v1"
    assert sample.masks.shape == (1, 4, 4)  # unknown pixels are no object
    assert (frames[4].masks == sample.masks).all()
    assert len({int(frames[i].masks.sum()) for i in range(24)}) > 1


def test_weights_are_checked():
    for weights in ([1.0], [1.0, 0.0], [1, 2, 3]):
        with pytest.raises(ValueError, match="a weight above 0 for each source"):
            ClipMixture([Clips("a"), Clips("b")], weights)
