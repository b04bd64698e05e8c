import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from civos_siaf.propagation.confidence import appearing, confidence

logits = st.integers(0, 4).flatmap(
    lambda k: arrays(np.float32, (k + 1, 6, 7), elements=st.floats(-20, 20, width=32))
)


def boxes(*, sure, num_objects=2, size=(60, 80)):
    """Boxes side by side in which each object has this probability; elsewhere all is background."""
    prob = torch.zeros(num_objects + 1, *size)
    for k in range(1, num_objects + 1):
        left = (k - 1) * size[1] // num_objects
        prob[k, 10:40, left : left + 5] = sure[k - 1] if isinstance(sure, list) else sure
    prob[0] = 1 - prob[1:].sum(dim=0)
    return prob


@given(logits, st.randoms())
def test_it_is_a_share_and_the_order_of_objects_and_pixels_does_not_matter(values, random):
    prob = torch.from_numpy(values).softmax(dim=0)
    sure = confidence(prob)
    assert 0 < sure <= 1
    order = random.sample(range(1, len(prob)), len(prob) - 1)
    pixels = torch.tensor(random.sample(range(42), 42))
    other = prob[[0, *order]].flatten(1)[:, pixels].view_as(prob)
    assert confidence(other) == pytest.approx(sure, rel=1e-4)


@given(logits)
def test_the_same_masks_with_sharper_logits_are_surer(values):
    # No two objects are equally likely anywhere: ties stay ties, however sharp, and are no doubt that goes.
    values = np.round(values) + (np.arange(len(values), dtype=np.float32) / len(values))[:, None, None]
    low, high = (confidence(torch.from_numpy(values * scale).softmax(dim=0)) for scale in (1.0, 1000.0))
    assert high == pytest.approx(1, abs=1e-4)
    assert low <= high + 1e-4


@given(st.floats(0.51, 1))
def test_it_is_the_probability_where_that_is_the_same_all_over_the_mask(sure):
    assert confidence(boxes(sure=sure)) == pytest.approx(sure, abs=0.01)


def test_what_is_nowhere_is_sure_and_what_may_be_anywhere_is_not():
    nothing = torch.zeros(3, 60, 80)
    nothing[0] = 1
    assert confidence(nothing) == 1
    assert confidence(torch.ones(1, 60, 80)) == 1
    assert confidence(torch.full((3, 60, 80), 1 / 3)) < 0.01
    faint = boxes(sure=[1.0, 0.3])  # too little to be a mask, too much for nothing
    assert confidence(faint) < 0.1


def test_objects_that_nobody_named_do_not_count():
    prob = boxes(sure=[0.9, 0.3])
    assert confidence(prob, [1]) == pytest.approx(0.9, abs=0.01)
    assert confidence(prob, [1, 2]) == confidence(prob) < 0.3
    assert confidence(prob, []) == 1


def test_objects_that_appear():
    labels = np.zeros((2, 4, 5), np.uint8)
    assert appearing(labels) == frozenset()
    labels[0, 1], labels[1, 2, 2] = 3, 200
    assert appearing(labels) == {3, 200}


def test_one_lost_object_of_ten_shows():
    every = confidence(boxes(sure=[0.9] * 10, num_objects=10))
    one_less = confidence(boxes(sure=[0.9] * 9 + [0.3], num_objects=10))
    assert every > 0.89
    assert one_less < 0.3


def test_a_wide_border_counts_more_for_a_small_object():
    found = []
    for side in (6, 30):
        prob = torch.zeros(2, 60, 80)
        prob[1, 8 : 12 + side, 8 : 12 + side] = 0.4
        prob[1, 10 : 10 + side, 10 : 10 + side] = 1
        prob[0] = 1 - prob[1]
        found.append(confidence(prob))
    assert found[0] < found[1] < 1
