import errno
import gc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from civos_siaf.networks.padding import Padding
from civos_siaf.networks.propagation_network import FrameFeatures, Memory
from civos_siaf.propagation.feature_cache import FeatureCache
from civos_siaf.propagation.label_store import LazyLabels
from civos_siaf.propagation.mask_store import MaskStore
from civos_siaf.propagation.memory_bank import AnnotatedMemory, MemoryBank
from civos_siaf.propagation.tensor_spill import TensorSpill


@given(st.integers(1, 70), st.integers(1, 70))
def test_padding_is_undone_by_cropping(height, width):
    padding = Padding.to_multiple(height, width, 16)
    x = torch.rand(2, height, width)
    padded = padding.pad(x)
    assert tuple(padded.shape[1:]) == padding.size
    assert all(
        side % 16 == 0 and side - 16 < n for side, n in zip(padding.size, (height, width), strict=True)
    )
    assert torch.equal(padding.crop(padded), x)
    assert padded.sum() == pytest.approx(float(x.sum()), rel=1e-4)
    assert 0 <= padding.right - padding.left <= 1
    assert 0 <= padding.bottom - padding.top <= 1


def test_padding_refuses_another_size():
    with pytest.raises(ValueError, match="expected size"):
        Padding.to_multiple(20, 30, 16).pad(torch.zeros(30, 20))


def features(value):
    return FrameFeatures(torch.full((1, 4), float(value)), (torch.zeros(12),))


def test_the_least_recently_used_features_leave_first():
    cache = FeatureCache(features, max_bytes=3 * features(0).num_bytes)
    for frame in (0, 1, 2, 0, 3):
        assert cache[frame].key[0, 0] == frame
    assert [frame in cache for frame in range(4)] == [True, False, True, True]
    assert cache.encoded == 4
    assert cache.num_bytes <= 3 * features(0).num_bytes


def test_features_kept_in_half_come_back_in_the_types_that_they_had():
    def mixed(value):
        key = torch.full((1, 4), value + 0.1)
        return FrameFeatures(key, (key.bfloat16(), key.double()))

    cache = FeatureCache(mixed, max_bytes=10**6, dtype=torch.float16)
    first, again = cache[1], cache[1]
    assert cache.encoded == 1
    assert cache.num_bytes == 3 * 4 * 2
    for features in (first, again):
        types = [x.dtype for x in (features.key, *features.parts)]
        assert types == [torch.float32, torch.bfloat16, torch.float64]
    assert torch.equal(again.key, first.key.half().float())
    assert not torch.equal(again.key, first.key)
    plain = FeatureCache(mixed, max_bytes=10**6)
    assert plain[1].key is plain[1].key


def test_a_shelf_uses_places_again():
    shelf = TensorSpill(max_bytes=100)
    inside = shelf.put(torch.ones(25))
    outside = [shelf.put(torch.full((25,), float(i))) for i in range(3)]
    assert shelf.file_bytes == 300
    assert [int(put.get()[0]) for put in (inside, *outside)] == [1, 0, 1, 2]
    del outside[1]
    gc.collect()
    again = shelf.put(torch.full((25,), 7.0))
    assert shelf.file_bytes == 300
    assert [int(put.get()[0]) for put in (*outside, again)] == [0, 2, 7]
    del inside
    gc.collect()
    shelf.put(torch.ones(25))
    assert shelf.file_bytes == 300


FULL = Path("/dev/full")


class Grudging:
    """A file that takes and gives few bytes at a time, and only so many in all."""

    def __init__(self, room):
        self.room, self.data, self.place = room, bytearray(), 0

    def seek(self, place):
        self.place = place

    def write(self, data):
        count = min(len(data), 7, self.room - self.place)
        self.data[self.place : self.place + count] = bytes(data[:count])
        self.place += count
        return count

    def readinto(self, out):
        found = self.data[self.place : self.place + min(len(out), 5)]
        out[: len(found)] = found
        self.place += len(found)
        return len(found)


def test_a_shelf_writes_and_reads_all_bytes_or_says_where_it_could_not(tmp_path, monkeypatch):
    file = Grudging(room=250)
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: file)
    shelf = TensorSpill(max_bytes=0, folder=tmp_path)
    values = torch.arange(50.0).view(5, 10)
    put = shelf.put(values)
    assert torch.equal(put.get(), values)
    with pytest.raises(OSError, match=r"cannot be written.*150 of 200 bytes are missing") as told:
        shelf.put(values)
    assert (told.value.errno, told.value.filename) == (errno.ENOSPC, str(tmp_path))
    assert shelf.file_bytes == 400
    file.room = 500
    del told
    gc.collect()
    assert torch.equal(shelf.put(2 * values).get(), 2 * values)
    assert shelf.file_bytes == 400
    assert shelf.put(torch.tensor(3.0)).get() == 3
    del file.data[190:]
    with pytest.raises(OSError, match=f"cannot be read.*10 of 200 bytes are missing.*{tmp_path}"):
        put.get()


@pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")
def test_a_full_disk_is_told(tmp_path, monkeypatch):
    with FULL.open("r+b", buffering=0) as file:
        monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: file)
        with pytest.raises(OSError, match=f"cannot be written.*No space left.*{tmp_path}") as told:
            TensorSpill(max_bytes=0, folder=tmp_path).put(torch.ones(3))
        assert told.value.errno == errno.ENOSPC


def test_what_is_put_on_a_shelf_does_not_change_with_the_original():
    shelf, tensor = TensorSpill(max_bytes=1000), torch.ones(3)
    put = shelf.put(tensor)
    tensor[:] = 5
    assert put.get().tolist() == [1, 1, 1]


def test_large_label_videos_are_decoded_when_they_are_looked_at():
    padding = Padding.to_multiple(10, 20, 16)
    store = MaskStore(4, 2, padding, max_video_bytes=100)
    prob = torch.zeros(3, *padding.size)
    prob[2] = 1
    store.write(2, prob)
    video = store.video()
    assert isinstance(video, LazyLabels)
    store.write(1, prob)
    store.show(2, torch.zeros(3, *padding.size))
    assert video.shape == (4, 10, 20)
    assert (video[2] == 2).all()
    assert not np.asarray(video)[[0, 1, 3]].any()


def test_a_disk_without_room_is_told_before_the_work(tmp_path, monkeypatch):
    shelf = TensorSpill(max_bytes=100, folder=tmp_path)
    held = shelf.put(torch.ones(25))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    shelf.check_room(10, 100)
    with pytest.raises(ValueError, match=r"masks of 11 frames need 1,100 bytes in .*, where 1,000 are free"):
        shelf.check_room(11, 100)
    del held
    gc.collect()
    shelf.check_room(11, 100)
    padding = Padding.to_multiple(16, 16, 16)
    store = MaskStore(8, 2, padding, max_bytes=4 * 3 * 256, folder=tmp_path)
    with pytest.raises(ValueError, match="need 3,072 bytes"):
        store.check_room(2)


def test_ties_go_to_the_lowest_label():
    padding = Padding.to_multiple(16, 16, 16)
    store = MaskStore(1, 2, padding)
    store.write(0, torch.full((3, 16, 16), 0.5))
    assert not store.labels(0).any()


def memory(objects, value, *, keys=None):
    return Memory(
        torch.full((keys or objects, 2, 1, 3), float(value)), torch.full((objects, 4, 1, 3), float(value))
    )


def test_the_bank_reads_annotated_kept_and_the_previous_frame():
    bank = MemoryBank(top_k=None)
    bank.begin([AnnotatedMemory(0, memory(1, 0))])
    key = torch.zeros(1, 2, 1, 3)  # all frames weigh the same
    means = []
    for value, keep in ((3, False), (6, False), (9, True), (12, False)):
        bank.add(memory(1, value), keep=keep)
        means.append(float(bank.read(key).mean()))
    assert means == pytest.approx([1.5, 3, 4.5, 7])
    bank.begin([AnnotatedMemory(0, memory(1, 5))])
    assert bank.read(key).mean() == 5


@pytest.mark.parametrize("shared", [False, True])
def test_objects_read_from_the_frames_that_know_them(shared):
    bank = MemoryBank(top_k=None, shared_keys=shared)
    entries = [
        AnnotatedMemory(i, memory(n, v, keys=1 if shared else None))
        for i, (n, v) in enumerate(((1, 0), (3, 6)))
    ]
    bank.begin(entries)
    read = bank.read(torch.zeros(1, 2, 1, 3))
    assert read.mean(dim=(1, 2, 3)).tolist() == [3, 6, 6]


@given(st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=4), min_size=2, max_size=4))
def test_sweeps_from_other_frames_read_as_if_they_were_the_first(begins):
    # The later ones know more objects.
    known = [AnnotatedMemory(i, memory(1 + i // 3, 3 * i + 1)) for i in range(5)]
    bank, key = MemoryBank(top_k=None), torch.zeros(1, 2, 1, 3)
    for numbers in begins:
        entries = [known[i] for i in sorted(numbers)]
        fresh = MemoryBank(top_k=None)
        for own in (bank, fresh):
            own.begin(entries)
        assert torch.equal(bank.read(key), fresh.read(key))
        for own in (bank, fresh):
            own.add(memory(entries[-1].num_objects, 50), keep=True)
            own.add(memory(entries[-1].num_objects, 70), keep=False)
        assert torch.equal(bank.read(key), fresh.read(key))


def test_a_sweep_needs_an_annotated_frame_and_a_bank_a_limit():
    with pytest.raises(ValueError, match="annotated"):
        MemoryBank().begin([])
    with pytest.raises(ValueError, match="max_memory_frames"):
        MemoryBank(max_memory_frames=0)
