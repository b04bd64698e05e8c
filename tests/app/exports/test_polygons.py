import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from civos_siaf.app.exports.polygons import bounding_box, centre_outlines, edge_outline

MASKS = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14))


def filled(rings, shape):
    """Every ring filled by OpenCV, outline included."""
    drawn = np.zeros(shape, np.uint8)
    for ring in rings:
        cv2.fillPoly(drawn, [ring.astype(np.int32)], 1)
    return drawn.astype(bool)


def windings(ring, shape):
    """How often a ring goes around every pixel centre, by rays to the right."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    count = np.zeros(shape, int)
    for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        if y0 != y1:
            crossed = (min(y0, y1) <= y) & (y < max(y0, y1))
            count += (crossed & (x0 + (y - y0) * (x1 - x0) / (y1 - y0) > x)) * int(np.sign(y1 - y0))
    return count


@given(MASKS)
@settings(max_examples=150)
def test_centre_outlines_give_the_mask_back(mask):
    rings = centre_outlines(mask)
    assert all(len(ring) >= 3 for ring in rings)
    parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1
    assert len(rings) == parts
    np.testing.assert_array_equal(filled(rings, mask.shape), mask)


@given(MASKS)
@settings(max_examples=150)
def test_the_edge_outline_gives_the_mask_back(mask):
    ring = edge_outline(mask)
    if ring is None:
        assert not mask.any()
        return
    counts = windings(ring, mask.shape)
    assert set(np.unique(counts)) <= {0, 1}
    np.testing.assert_array_equal(counts != 0, mask)
    encoded = coco_mask.frPyObjects([ring.ravel().astype(float).tolist()], *mask.shape)
    np.testing.assert_array_equal(coco_mask.decode(encoded)[..., 0], mask)


def test_outlines_of_a_square_with_a_hole_are_short():
    mask = np.zeros((40, 40), bool)
    mask[5:35, 5:35] = True
    mask[15:20, 15:20] = False
    (ring,) = centre_outlines(mask)
    assert len(ring) <= 15
    assert len(edge_outline(mask)) == 4 + 1 + 4 + 1
    np.testing.assert_array_equal(filled([ring], mask.shape), mask)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5)])
def test_full_and_empty(shape):
    assert centre_outlines(np.zeros(shape, bool)) == []
    assert edge_outline(np.zeros(shape, bool)) is None
    assert bounding_box(np.zeros(shape, bool)) is None
    full = np.ones(shape, bool)
    assert bounding_box(full) == (0, 0, shape[1], shape[0])
    assert sorted(map(tuple, edge_outline(full))) == sorted(
        [(0, 0), (shape[1], 0), (0, shape[0]), (shape[1], shape[0])]
    )
