import numpy as np
import pytest

from civos_siaf.propagation.label_store import LabelStore, LazyLabels


def test_labels_come_back_as_they_were_at_any_moment():
    store = LabelStore(3, (4, 6))
    assert store[1] is None
    labels = np.arange(24, dtype=np.uint8).reshape(4, 6)
    store[1] = labels
    moment = store.snapshot()
    store[1] = labels + 1
    store[2] = labels
    assert np.array_equal(store.video(), np.stack([0 * labels, labels + 1, labels]))
    store.restore(moment)
    assert store[2] is None
    assert np.array_equal(store[1], labels)
    store[1][:] = 0
    assert np.array_equal(store[1], labels)
    with pytest.raises(ValueError, match=r"frame 0 are \(6, 4\), the video is \(4, 6\)"):
        store[0] = labels.reshape(6, 4)


def test_long_videos_are_decoded_when_they_are_looked_at():
    store = LabelStore(5, (4, 6), max_video_bytes=100)
    store[3] = np.full((4, 6), 7, np.uint8)
    video = store.video()
    assert isinstance(video, LazyLabels)
    store[3] = store[1] = np.full((4, 6), 9, np.uint8)
    assert np.sum(video) == 24 * 7
    assert video[3].all()


def test_smooth_labels_take_little_space():
    store = LabelStore(1, (480, 854))
    labels = np.zeros((480, 854), np.uint8)
    labels[100:300, 200:500] = 3
    store[0] = labels
    (packed,) = store.snapshot()
    assert len(packed) < labels.size / 50
