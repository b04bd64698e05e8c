import numpy as np
import pytest
from scipy import ndimage

from civos_siaf.benchmark.robot.opening import first_radius, fractional_disc, open_region


def slow_open(region, radius):
    """Erosion and dilation by the offsets of the disc, pixel by pixel, as the specification words it."""
    n = int(np.ceil(2 * radius + 1))
    offsets = [
        (i - n // 2, j - n // 2)
        for i in range(n)
        for j in range(n)
        if (i - radius) ** 2 + (j - radius) ** 2 <= radius**2
    ]

    def windows(image, y, x):
        height, width = image.shape
        places = [(y + dy, x + dx) for dy, dx in offsets]
        return [image[p] for p in places if 0 <= p[0] < height and 0 <= p[1] < width]

    def each(image, rule):
        out = np.zeros_like(image)
        for y, x in np.ndindex(image.shape):
            values = windows(image, y, x)
            out[y, x] = rule(values) if values else False
        return out

    return each(each(region, all), any)


def opened_until_something_is_left(region, radius):
    while radius > 1:
        if (opened := slow_open(region, radius)).any():
            return opened
        radius *= 0.9
    return np.zeros_like(region)


@pytest.mark.parametrize("radius", [1.1, 1.17, 1.5, 2.0, 2.34, 3.1, 4.7])
@pytest.mark.parametrize("seed", range(3))
def test_opening_is_that_of_the_definition(seed, radius):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((24, 30)), 1.5)
    region = noise > 0.2 * noise.std()
    assert (open_region(region, radius) == opened_until_something_is_left(region, radius)).all()


def test_the_corner_where_the_disc_misses_its_own_anchor():
    region = np.zeros((12, 12), bool)
    region[0, :5] = True
    assert (open_region(region, 1.1) == opened_until_something_is_left(region, 1.1)).all()


def test_a_disc_of_a_fractional_radius_is_off_centre():
    assert np.argwhere(fractional_disc(1.1)).tolist() == [[1, 1], [1, 2], [2, 1]]
    disc = fractional_disc(3.0)
    assert disc.shape == (7, 7)
    assert (disc == disc[::-1, ::-1]).all()


def test_radius_and_small_regions():
    assert first_radius(100, kernel_size=0.2, max_radius=16) == 1
    assert first_radius(10**6, kernel_size=0.2, max_radius=16) == 16
    line = np.zeros((9, 30), bool)
    line[4, 4:26] = True
    assert open_region(line, 1.0) is line
    assert not open_region(line, 2.0).any()
