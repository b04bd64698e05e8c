import numpy as np
import pytest

from civos_siaf.benchmark.metrics import as_labels
from civos_siaf.propagation.label_store import LazyLabels

TRUTH = np.random.default_rng(0).integers(0, 9, (7, 4, 5)).astype(np.uint8)


def lazy() -> LazyLabels:
    return LazyLabels(range(7), (4, 5), lambda frame: TRUTH[frame].copy())


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        np.int64(3),
        slice(2, 5),
        slice(None, None, -2),
        (1, 2, 3),
        (1, slice(None, None, 2)),
        (slice(1, 4), 2),
        (slice(1, 4), [0, 2]),
        (slice(None), ..., 0),
        [0, 5],
        ([0, 5], [1, 2]),
        ...,
        (..., 1),
        (),
        TRUTH[:, 0, 0] > 4,
        TRUTH > 4,
        None,
        np.array([[0, 1], [2, 3]]),
    ],
    ids=str,
)
def test_indexed_like_an_array(index) -> None:
    found = lazy()[index]
    assert found.shape == TRUTH[index].shape
    assert np.array_equal(np.asarray(found), TRUTH[index])


@pytest.mark.parametrize("index", [7, -8, (7, 0, 0), (0, 4)])
def test_what_is_not_there_is_an_index_error(index) -> None:
    with pytest.raises(IndexError):
        lazy()[index]


def test_used_like_an_array() -> None:
    labels = lazy()
    assert (labels.shape, labels.ndim, labels.dtype, labels.nbytes) == (
        TRUTH.shape,
        3,
        np.uint8,
        TRUTH.size,
    )
    assert all(np.array_equal(a, b) for a, b in zip(labels, TRUTH, strict=True))
    assert np.array_equal(labels == 3, TRUTH == 3)
    assert np.array_equal(labels, TRUTH)
    assert np.stack(list(labels[2:4])).sum() == TRUTH[2:4].sum()
    assert np.asarray(labels, dtype=np.int64).dtype == np.int64
    assert np.array_equal(as_labels(np.asarray(labels)), TRUTH)
    if int(np.__version__.split(".")[0]) >= 2:  # before, copy=False was a wish
        with pytest.raises(ValueError, match="always a copy"):
            np.array(labels, copy=False)


def test_a_frame_is_only_made_when_it_is_asked_for() -> None:
    asked: list[int] = []

    def read(frame: int) -> np.ndarray:
        asked.append(frame)
        return TRUTH[frame]

    labels = LazyLabels(range(7), (4, 5), read)
    part = labels[1:6][::2]
    assert (part.shape, asked) == ((3, 4, 5), [])
    part[1], labels[-1], labels[2, 0, 0]
    assert asked == [3, 6, 2]
