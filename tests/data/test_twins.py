import numpy as np
import pytest

from civos_siaf.data.samples import ImageSample
from civos_siaf.data.twins import TwinImages


class Images:
    def __len__(self):
        return 50

    def __getitem__(self, index):
        image = np.full((120, 160, 3), 40, np.uint8)
        image[50:80, 60:90] = (200, 30, 90)
        mask = np.zeros((1, 120, 160), bool)
        mask[0, 50:80, 60:90] = True
        return ImageSample(str(index), image, mask)


def test_a_twin_looks_like_its_object_and_hides_nothing():
    twins = TwinImages(Images(), probability=1.0)
    pasted = [sample for i in range(50) if len((sample := twins[i]).masks) == 2]
    assert len(pasted) > 40
    for sample in pasted:
        assert not (sample.masks[0] & sample.masks[1]).any()
        assert (sample.image[50:80, 60:90] == (200, 30, 90)).all()
        colour = sample.image[sample.masks[1]].mean(axis=0)
        assert np.abs(colour - (200, 30, 90)).max() < 60
        assert sample.masks[1].sum() >= 400


def test_only_some_images_get_one_and_always_the_same():
    twins = TwinImages(Images(), probability=0.3)
    counts = [len(twins[i].masks) for i in range(50)]
    assert 5 < sum(count == 2 for count in counts) < 28
    assert counts == [len(twins[i].masks) for i in range(50)]
    assert all(len(TwinImages(Images(), probability=0.0)[i].masks) == 1 for i in range(5))
    with pytest.raises(ValueError, match="probability"):
        TwinImages(Images(), probability=2)
