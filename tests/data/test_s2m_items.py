import numpy as np
import pytest
import torch

from civos_siaf.benchmark.robot import ScribbleRobot
from civos_siaf.data.s2m_items import S2mItems
from civos_siaf.data.samples import ImageSample
from civos_siaf.data.users.scribbles import ScribbleMaps, ScribbleUser


class Discs:
    """Two discs, red and blue, on grey; the third image has none."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        image = np.full((80, 100, 3), 120, np.uint8)
        y, x = np.mgrid[:80, :100]
        masks = np.stack([(y - 40) ** 2 + (x - c) ** 2 < 18**2 for c in (30, 70)])
        image[masks[0]], image[masks[1]] = (255, 0, 0), (0, 0, 255)
        return ImageSample(str(index), image, masks if index < 2 else masks[:0])


def source(**options):
    user = ScribbleUser(robot=ScribbleRobot(kernel_size=0.15))
    return S2mItems(Discs(), user=user, size=64, short_side=64, min_area=300, neighbour_area=200, **options)


def items(data, count=30):
    return [data.item(i, np.random.default_rng(i), step=0) for i in range(count)]


def colour_of(item):
    """Red minus blue within the truth, whatever the jitter."""
    inside = item["image"][:, item["mask"][0] > 0]
    return abs(float(inside[0].mean() - inside[2].mean())) if inside.numel() else 1.0


def test_items_show_an_object_with_scribbles():
    drawn = items(source())
    assert all(item[name].shape == (1, 64, 64) for item in drawn for name in ("mask", "previous", "positive"))
    assert all(set(item[n].unique().tolist()) <= {0, 1} for item in drawn for n in ("previous", "negative"))
    assert all((item["positive"] + item["negative"]).any() for item in drawn)
    coloured = [colour_of(item) > 0.5 for item in drawn]
    # A grey image in twenty.
    assert sum(coloured) >= 25
    empty = sum(not item["previous"].any() for item in drawn)
    assert 3 <= empty <= 18


def test_the_same_generator_gives_the_same_item():
    a, b, c = (source().item(7, np.random.default_rng(s), step=9) for s in (1, 1, 2))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["image"], c["image"])


def test_a_previous_mask_is_wrong_and_from_zero_it_is_empty():
    for item in items(source(from_zero=0.0, neighbour=0.0), 10):
        a, b = item["mask"] > 0, item["previous"] > 0
        iou = (a & b).sum() / (a | b).sum()
        assert 0.1 < iou < 0.95
    assert not any(item["previous"].any() for item in items(source(from_zero=1.0), 5))


def test_a_neighbour_is_scribbled_away_or_has_to_be_erased():
    def on_neighbour(item, name):
        difference = item["image"][0] - item["image"][2]
        sign = torch.sign(difference[item["mask"][0] > 0].mean())
        return int((item[name][0] > 0)[difference * sign < -0.5].sum())

    class Fills:
        def draw(self, truth, previous, rng):
            return ScribbleMaps(truth & ~previous, previous & ~truth)

    def kinds(neighbour):
        data = source(from_zero=0.0, neighbour=neighbour)
        data.user = Fills()
        counts = [(on_neighbour(x, "previous") > 250, on_neighbour(x, "negative") > 250) for x in items(data)]
        return counts.count((True, True)), counts.count((False, True))

    assert kinds(0.0) == (0, 0)
    erase, scribbled = kinds(1.0)
    assert erase >= 3
    assert scribbled >= 3


def test_images_without_objects_are_an_error_in_the_end():
    with pytest.raises(ValueError, match="100000 pixels"):
        S2mItems(Discs(), min_area=100_000).item(0, np.random.default_rng(0), step=0)
