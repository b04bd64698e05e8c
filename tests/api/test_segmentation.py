import numpy as np
import pytest

from civos_siaf.api.segmentation import clicks_from_numbers, segment
from civos_siaf.masks import read_png
from civos_siaf.methods import NearestColour
from civos_siaf.prompts import Click, Prompts
from civos_siaf.video.frames import Frames


def video():
    images = np.zeros((5, 32, 48, 3), np.uint8)
    for t in range(5):
        images[t, 8:24, 4 + 4 * t : 20 + 4 * t] = (220, 30, 30)
    return Frames.open(images)


def test_clicks_from_numbers():
    assert clicks_from_numbers([3, 10, 20]) == (Click(3, 1, x=10, y=20),)
    rows = [[0, 1.5, 2, 2], [4, 5, 6]]
    expected = (Click(0, 2, x=1.5, y=2, positive=False), Click(4, 1, x=5, y=6, positive=False))
    assert clicks_from_numbers(rows, positive=False) == expected
    for wrong in ([1, 2], [[0, 1, 2], [1]], [0.5, 1, 2], [0, "a", "b"], [[0, 1, 2], "abc"], [0, None, 2]):
        with pytest.raises(ValueError, match="a click is frame, x, y"):
            clicks_from_numbers(wrong)


def test_segmentation_and_its_files(tmp_path):
    frames, seen = video(), []
    prompts = Prompts((Click(0, 1, x=10, y=16), Click(0, 1, x=40, y=2, positive=False)))
    result = segment(frames, prompts, method=NearestColour())
    labels = result.labels
    truth = np.stack([frame[..., 0] > 100 for frame in frames])
    assert ((labels > 0) == truth)[0].mean() > 0.95
    path = result.save(tmp_path / "out", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(t, 5) for t in range(1, 6)]
    masks = sorted((tmp_path / "out" / "masks").iterdir())
    assert [mask.name for mask in masks] == [f"{t:05d}.png" for t in range(5)]
    assert all((read_png(mask) == labels[t]).all() for t, mask in enumerate(masks))
    shown = Frames.open(path)
    assert len(shown) == 5
    # A click is drawn on its own frame only.
    assert shown[0][16, 10, 1] > shown[1][16, 14, 1] + 50


def test_bad_prompts_are_refused():
    with pytest.raises(ValueError, match=r"objects are 1\.\.254, got 300"):
        segment(video(), Prompts((Click(0, 300, x=1, y=1),)), method=NearestColour())
    with pytest.raises(ValueError, match="no prompt"):
        segment(video(), Prompts(()), method=NearestColour())
    with pytest.raises(ValueError, match="frame"):
        segment(video(), Prompts((Click(7, 1, x=1, y=1),)), method=NearestColour())


class Counting(NearestColour):
    """Notes how many objects it is asked for."""

    def open(self, frames, *, num_objects):
        self.num_objects = num_objects
        return super().open(frames, num_objects=num_objects)


def test_an_object_number_is_no_count():
    method, clicks = Counting(), {1: (10, 16), 200: (44, 4)}
    marks = [Click(0, number, x=x, y=y) for number, (x, y) in clicks.items()]
    alone = segment(video(), marks[1:], method=method).labels
    assert method.num_objects == 1
    assert set(np.unique(np.asarray(alone))) <= {0, 200}
    both = segment(video(), [*marks, Click(0, 200, x=12, y=16, positive=False)], method=method).labels
    assert method.num_objects == 2
    assert (both[0][16, 10], both[0][4, 44]) == (1, 200)
