import numpy as np
import pytest
import torch

from civos_siaf.data.start_masks import WithStartMasks, corrupted, failed


class Items:
    def item(self, index, rng, *, step):
        mask = torch.zeros(1, 64, 64)
        mask[:, 10:40, 10:40] = 1
        return {"mask": mask * (index != 7), "others": torch.zeros(1, 64, 64)}


def iou(left, right):
    return (left & right).sum() / max(1, (left | right).sum())


def test_corrupted_masks_are_wrong_but_related():
    mask, others = np.zeros((96, 96), np.float32), np.zeros((96, 96), np.float32)
    mask[20:60, 20:60], others[70:90, 70:90] = 1, 1
    ious = []
    for seed in range(100):
        wrong = corrupted(mask, others, np.random.default_rng(seed))
        assert wrong.dtype == np.float32
        assert wrong.min() >= 0
        assert wrong.max() <= 1
        ious.append(iou(wrong > 0.5, mask > 0.5))
    assert 0.5 < np.mean(ious) < 0.95
    assert np.std(ious) > 0.05


def test_only_some_items_start_from_a_mask():
    items = WithStartMasks(Items(), probability=0.4)
    starts = [items.item(i, np.random.default_rng(i), step=0)["start"] for i in range(8, 208)]
    share = np.mean([bool(start.any()) for start in starts])
    assert 0.25 < share < 0.55
    again = items.item(20, np.random.default_rng(20), step=9)["start"]
    assert torch.equal(again, starts[12])
    assert not items.item(7, np.random.default_rng(0), step=0)["start"].any()


def test_failed_masks_are_wrong_as_a_whole():
    mask, others = np.zeros((96, 96), np.float32), np.zeros((96, 96), np.float32)
    mask[20:60, 20:60], others[20:60, 62:90] = 1, 1
    image = np.random.default_rng(0).random((3, 96, 96), dtype=np.float32)
    ious, annexed = [], 0
    for seed in range(120):
        wrong = failed(mask, others, image, np.random.default_rng(seed)) > 0.5
        ious.append(iou(wrong, mask > 0.5))
        annexed += bool((wrong & (others > 0)).sum() > 0.7 * others.sum())
    assert np.mean(ious) < 0.65
    assert np.min(ious) < 0.1
    assert annexed > 20


def test_failures_are_a_share_of_the_wrong_masks():
    items = WithStartMasks(WithImages(), probability=1.0, failures=1.0)
    mask = WithImages().item(0, None, step=0)["mask"] > 0.5
    starts = [items.item(i, np.random.default_rng(i), step=0)["start"] > 0.5 for i in range(60)]
    far = [float((start & mask).sum() / (start | mask).sum()) for start in starts]
    assert np.mean(far) < 0.7
    with pytest.raises(ValueError, match="failures"):
        WithStartMasks(WithImages(), failures=3)


class WithImages(Items):
    def item(self, index, rng, *, step):
        return super().item(0, rng, step=step) | {"image": torch.rand(3, 64, 64)}
