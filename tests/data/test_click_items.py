import numpy as np
import pytest
import torch

from civos_siaf.data.click_items import ClickItems
from civos_siaf.data.coco import CocoImages
from civos_siaf.data.colour import Jitter
from civos_siaf.data.first_clicks import FirstClicks
from civos_siaf.data.image_augment import ImageAugment
from civos_siaf.data.samples import ImageSample
from civos_siaf.data.warp import Motion
from tests.data.layouts import write_coco


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def items(tmp_path):
    root = write_coco(tmp_path)
    images = CocoImages(root / "instances.json", root / "images")
    return ClickItems(images, augment=ImageAugment(size=(64, 96)), min_area=30)


def test_items_depend_on_their_generator_only(items):
    first = items.item(0, rng(5), step=0)
    items.item(1, rng(6), step=1)
    again = items.item(0, rng(5), step=100)
    assert first["image"].shape == (3, 64, 96)
    assert first["mask"].shape == first["others"].shape == (1, 64, 96)
    assert first["points"].shape == (48, 3)
    assert all(torch.equal(first[key], again[key]) for key in first)


def test_clicks_lie_on_the_target_or_off_it(items):
    for seed in range(20):
        item = items.item(0, rng(seed), step=0)
        mask = item["mask"][0].bool()
        assert not (mask & item["others"][0].bool()).any()
        for sign, rows in ((True, item["points"][:24]), (False, item["points"][24:])):
            used = rows[rows[:, 2] >= 0].long()
            assert (mask[used[:, 0], used[:, 1]] == sign).all()
            assert (rows[len(used) :] == -1).all()
        assert bool(mask.any()) == bool(item["points"][0, 2] == 100)


def test_numbers_and_places_of_clicks():
    part, others = np.zeros((2, 60, 60), bool)
    part[20:40, 20:40] = True
    others[50:, :] = True
    clicks = FirstClicks()
    points = np.stack([clicks.draw([part], others, rng(seed)) for seed in range(1500)])
    positive, negative = (points[:, :24], points[:, 24:])
    # 1 + k and k with P(k) ~ 0.8^k: means near 1 + 3.89 and 3.9, cut at 24 places.
    assert abs((positive[..., 2] > 0).sum(1).mean() - 4.87) < 0.4
    assert abs((negative[..., 2] > 0).sum(1).mean() - 3.9) < 0.4
    y, x, used = np.moveaxis(negative[negative[..., 2] > 0], -1, 0).astype(int)
    near = ~part[y, x] & (y >= 18) & (y < 42) & (x >= 18) & (x < 42)
    assert abs(near.mean() - 0.5) < 0.06
    assert abs(others[y, x].mean() - 0.42) < 0.06
    assert (used == 100).all()


def test_each_merged_part_is_clicked():
    parts = np.zeros((2, 30, 30), bool)
    parts[0, :10], parts[1, 20:] = True, True
    for seed in range(20):
        points = FirstClicks().draw(list(parts), np.zeros((30, 30), bool), rng(seed))
        used = points[:24][points[:24, 2] > 0].astype(int)
        assert all(part[used[:, 0], used[:, 1]].any() for part in parts)


def picture():
    image = np.full((60, 90, 3), 80, np.uint8)
    masks = np.zeros((1, 60, 90), bool)
    masks[0, 15:45, 20:60] = True
    image[masks[0]] = (240, 20, 20)
    return ImageSample("p", image, masks)


def test_masks_follow_the_image_through_all_motion():
    augment = ImageAugment(
        size=(50, 50), shorter_side=50, motion=Motion(rotation=20, shear=10, scale=(0.8, 1.25)), colour=0
    )
    for seed in range(10):
        sample = augment(picture(), rng(seed))
        red = sample.image[..., 0].astype(int) - sample.image[..., 1] > 110
        both = np.count_nonzero(red & sample.masks[0]) / max(np.count_nonzero(red | sample.masks[0]), 1)
        assert both > 0.93


def test_jitter_can_make_it_grey():
    sample = ImageAugment(size=(50, 50), jitter=Jitter(grey=1))(picture(), rng())
    assert np.ptp(sample.image.astype(int), axis=2).max() == 0
