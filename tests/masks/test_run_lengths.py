import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from civos_siaf.masks import to_rle
from civos_siaf.masks.run_lengths import check_counts


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_what_the_encoder_makes_is_taken(mask):
    check_counts(to_rle(mask)["counts"], mask.size)


def test_large_masks_are_taken():
    mask = np.zeros((2160, 3840), bool)
    mask[5:2000, 7:3000] = True
    check_counts(to_rle(mask)["counts"], mask.size)


@given(st.text(max_size=12), st.integers(1, 50))
def test_what_is_taken_fills_the_mask(counts, pixels):
    try:
        check_counts(counts, pixels)
    except ValueError:
        return
    from civos_siaf.masks import from_rle

    assert from_rle({"size": [1, pixels], "counts": counts}).shape == (1, pixels)


@pytest.mark.parametrize("counts", ["", "0", "o", "PPPPPPPPPPPP0", "~", "0oo", "é"])
def test_damaged_counts_are_refused(counts):
    with pytest.raises(ValueError, match="run"):
        check_counts(counts, 4)
