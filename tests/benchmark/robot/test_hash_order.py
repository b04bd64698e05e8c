import platform

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civos_siaf.benchmark.robot.graph import hash_order


@pytest.mark.skipif(platform.python_implementation() != "CPython", reason="compares with CPython's set")
@given(
    st.one_of(
        st.lists(st.integers(0, 40), max_size=60),
        st.lists(st.integers(0, 10**6), max_size=300),
        st.lists(st.integers(0, 70).map(lambda n: 64 * n), max_size=80),
    )
)
def test_the_order_is_that_of_a_set_filled_one_by_one(values):
    filled = set()
    for value in values:
        filled.add(value)
    assert hash_order(values) == list(filled)


def test_small_numbers_come_sorted_and_large_ones_wrapped():
    assert hash_order([3, 1, 2, 1]) == [1, 2, 3]
    assert hash_order([9, 1, 40, 3]) == [40, 9, 3, 1]
    assert hash_order([]) == []
