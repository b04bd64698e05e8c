import numpy as np
import pytest
import torch

from civos_siaf.data.motion_items import MotionItems
from tests.video.test_motion import video

FRAMES = video(3, step=4)


class Clips:
    def item(self, index, rng, *, step):
        labels = torch.zeros(3, 96, 160, dtype=torch.int64)
        for t in range(3):
            labels[t, 30:70, 50 + 4 * t : 90 + 4 * t] = 1
        labels[:, 80:, :20], labels[:, :5] = 2, 255
        images = torch.from_numpy(FRAMES.transpose(0, 3, 1, 2).astype(np.float32) / 255)
        return {"images": images, "labels": labels}


def items_of(**options):
    items = MotionItems(Clips(), **options)
    return [items.item(i, np.random.default_rng(i), step=0) for i in range(30)]


def test_an_item_is_the_middle_frame_and_how_it_moves():
    for item in items_of(still=0):
        assert {name: tuple(value.shape) for name, value in item.items()} == {
            "image": (3, 96, 160),
            "mask": (1, 96, 160),
            "points": (48, 3),
            "motion": (8, 96, 160),
            "start": (1, 96, 160),
        }
        mask = item["mask"][0]
        assert (mask == -1).sum() == 5 * 160
        assert (mask == 1).sum() == 40 * 40
        assert mask[30:70, 54:94].min() == 1
        backward, forward = item["motion"][0], item["motion"][4]
        assert torch.median(backward[mask == 1]) == pytest.approx(-4, abs=0.5)
        assert torch.median(forward[mask == 1]) == pytest.approx(4, abs=0.5)
        y, x, _ = item["points"][0].long().tolist()
        assert mask[y, x] == 1


def test_some_items_stand_still_and_start_masks_are_wrong():
    made = items_of(still=0.5, failures=0.5)
    still = sum(not item["motion"].any() for item in made)
    assert 5 < still < 25
    truth = made[0]["mask"].clamp(0)
    wrong = [float((item["start"] - truth).abs().mean()) for item in made]
    assert min(wrong) > 0
    assert len(set(wrong)) > 20


def test_probabilities_are_checked():
    with pytest.raises(ValueError, match=r"still must be in \[0, 1\], got 2"):
        MotionItems(Clips(), still=2)
