import numpy as np
import pytest
from scipy import ndimage

from civos_siaf.benchmark.robot.skeleton import medial_axis


class Historical(np.random.Generator):
    """The permutation scikit-image used up to 0.18."""

    def __init__(self):
        super().__init__(np.random.PCG64(0))

    def permutation(self, x):
        return np.random.RandomState(0).permutation(x)


def blobs(seed, size=(70, 90)):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(size), 1 + seed % 5)
    return noise > 0.3 * noise.std()


@pytest.mark.parametrize("seed", range(12))
def test_it_is_scikit_images_medial_axis(seed):
    morphology = pytest.importorskip("skimage.morphology")
    region = blobs(seed)
    # The original pads by one, so that the image border is background.
    expected = morphology.medial_axis(np.pad(region, 1), rng=Historical())[1:-1, 1:-1]
    assert (medial_axis(region) == expected).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_skeleton_has_the_regions_components(seed):
    region = blobs(seed)
    skeleton = medial_axis(region)
    assert not (skeleton & ~region).any()
    labels, count = ndimage.label(region, np.ones((3, 3)))
    assert ndimage.label(skeleton, np.ones((3, 3)))[1] == count
    assert len(np.unique(labels[skeleton])) == count


def test_nothing_has_no_skeleton():
    assert not medial_axis(np.zeros((5, 5), bool)).any()
