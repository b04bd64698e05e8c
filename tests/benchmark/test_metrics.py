import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civos_siaf.benchmark.metrics import boundary, boundary_radius, f_measure, jaccard

SIZE = (1, 13, 17)
labels = hnp.arrays(np.uint8, SIZE, elements=st.sampled_from([0, 0, 1, 2, 255]))


def slow_boundary(mask):
    padded = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    here = padded[:-1, :-1]
    return (here != padded[:-1, 1:]) | (here != padded[1:, :-1]) | (here != padded[1:, 1:])


def slow_f(y, p, radius):
    a, b = slow_boundary(y), slow_boundary(p)
    if not a.any() or not b.any():
        return float(a.any() == b.any())
    pixels_a, pixels_b = np.argwhere(a), np.argwhere(b)
    near = ((pixels_a[:, None] - pixels_b[None]) ** 2).sum(axis=2) <= radius**2
    recall, precision = near.any(axis=1).mean(), near.any(axis=0).mean()
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@settings(max_examples=60)
@given(labels, labels, st.integers(1, 4))
def test_f_is_that_of_the_definition(truth, prediction, radius):
    ours = f_measure(truth, prediction, 2, tolerance=radius)
    expected = [[slow_f(truth[0] == k, prediction[0] == k, radius) for k in (1, 2)]]
    np.testing.assert_allclose(ours, expected, atol=1e-12)


@settings(max_examples=60)
@given(labels, labels)
def test_j_is_that_of_the_definition(truth, prediction):
    for k, ours in zip((1, 2), jaccard(truth, prediction, 2)[0], strict=True):
        a, b = truth == k, prediction == k
        assert ours == ((a & b).sum() / (a | b).sum() if (a | b).any() else 1.0)


@given(labels)
def test_the_truth_itself_is_perfect(truth):
    assert (jaccard(truth, truth, 2) == 1).all()
    assert (f_measure(truth, truth, 2) == 1).all()


def test_the_image_border_is_no_boundary():
    assert not boundary(np.ones((5, 6), np.uint8)).any()
    corner = np.zeros((5, 6), np.uint8)
    corner[-1, -1] = 1
    assert np.argwhere(boundary(corner)).tolist() == [[3, 4], [3, 5], [4, 4]]


def test_a_whole_image_against_nothing_is_perfect_by_f_only():
    whole, nothing = np.ones(SIZE, np.uint8), np.zeros(SIZE, np.uint8)
    assert f_measure(whole, nothing, 1) == 1
    assert jaccard(whole, nothing, 1) == 0


def test_void_in_the_truth_is_background_and_objects_are_found_without_a_count():
    truth = np.zeros(SIZE, np.uint8)
    truth[0, :4], truth[0, 6:] = 3, 255
    prediction = np.where(truth == 255, 3, truth)
    assert jaccard(truth, prediction).shape == (1, 1)
    assert jaccard(truth, prediction)[0, 0] < 1


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint16, np.int8])
def test_any_integer_type_counts_the_same(dtype):
    truth = np.random.default_rng(0).integers(0, 3, SIZE).astype(np.uint8)
    assert (jaccard(truth, truth.astype(dtype), 2) == 1).all()


def test_labels_that_do_not_fit_eight_bits_match_no_object():
    truth = np.ones(SIZE, np.uint8)
    assert jaccard(truth, np.full(SIZE, 257, np.int64), 1) == 0
    assert jaccard(truth, np.full(SIZE, -255, np.int64), 1) == 0


@pytest.mark.parametrize(("size", "radius"), [((480, 854), 8), ((120, 213), 2), ((90, 160), 2)])
def test_radius(size, radius):
    assert boundary_radius(*size) == radius
    assert boundary_radius(*size, tolerance=4) == 4


def test_what_cannot_be_measured_is_refused():
    maps = np.zeros(SIZE, np.uint8)
    with pytest.raises(ValueError, match=r"\(13, 17\) and \(13, 17\)"):
        jaccard(maps[0], maps[0], 1)
    with pytest.raises(ValueError, match=r"\(1, 13, 17\) and \(1, 13, 16\)"):
        f_measure(maps, maps[..., 1:], 1)
    with pytest.raises(ValueError, match="no objects"):
        jaccard(maps, maps)
    with pytest.raises(ValueError, match="integers, got float64"):
        jaccard(maps, maps.astype(float), 1)
    with pytest.raises(ValueError, match="at most 254"):
        jaccard(maps, maps, 255)
