import numpy as np
import torch

from civos_siaf.data.first_masks import WithFirstMasks


class Items:
    def item(self, index, rng, *, step):
        labels = torch.zeros(3, 64, 64, dtype=torch.int64)
        labels[:, 10:30, 10:40], labels[:, 35:60, 20:50] = 1, 2
        labels[:, :4] = 255
        return {"labels": labels}


def test_first_masks_are_wrong_in_some_items_only():
    items = WithFirstMasks(Items(), probability=0.5)
    wrong = 0
    for i in range(60):
        item = items.item(i, np.random.default_rng(i), step=0)
        truth = torch.where(item["labels"][0] == 255, 0, item["labels"][0])
        assert item["first"].shape == truth.shape
        assert item["first"].dtype == torch.int64
        assert item["first"].max() <= 2
        different = (item["first"] != truth).float().mean()
        wrong += bool(different > 0)
        assert different < 0.6
    assert 15 < wrong < 45
