import numpy as np
import torch

from civos_siaf.data.start_masks import WithStartMasks, corrupted


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
