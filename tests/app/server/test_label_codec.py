import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from civos_siaf.app.server import label_codec


@given(
    arrays(
        np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20)), elements=st.sampled_from([0, 1, 2, 254])
    )
)
def test_what_is_encoded_comes_back(labels: np.ndarray) -> None:
    assert np.array_equal(label_codec.decode_runs(label_codec.encode_runs(labels), *labels.shape), labels)


def test_runs_cross_rows_and_are_as_few_as_can_be() -> None:
    labels = np.array([[0, 5, 5], [5, 7, 0]], np.uint8)
    assert np.frombuffer(label_codec.encode_runs(labels), "<u4").tolist() == [1, 5 << 24 | 3, 7 << 24 | 1, 1]


def test_a_long_run_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_codec, "LONGEST", 2**24 - 1)
    labels = np.zeros((5000, 7000), np.uint8)
    labels[0, 0] = labels[-1, -1] = 9
    encoded = label_codec.encode_runs(labels)
    lengths = np.frombuffer(encoded, "<u4") & (2**24 - 1)
    assert len(lengths) == 5
    assert lengths.sum() == labels.size
    assert np.array_equal(label_codec.decode_runs(encoded, 5000, 7000), labels)


def test_a_strided_map_is_read_row_by_row() -> None:
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4).T[::2]
    assert np.array_equal(label_codec.decode_runs(label_codec.encode_runs(labels), *labels.shape), labels)


@pytest.mark.parametrize("data", [b"\0\0\0", np.array([3], "<u4").tobytes()])
def test_wrong_runs_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"four bytes|the frame has 4"):
        label_codec.decode_runs(data, 2, 2)
