import time

import numpy as np
import pytest

import civos_siaf.video.index_file as index_file
from civos_siaf.video.frames import Frames
from civos_siaf.video.index import UNKNOWN, build_index
from civos_siaf.video.runs import PictureCache
from civos_siaf.video.source import VideoSource
from tests.video.clips import Kind, make, pictures, stamp, write_clip


@pytest.fixture(scope="module")
def long_group(tmp_path_factory):
    """300 frames with one key frame."""
    folder = tmp_path_factory.mktemp("stepping")
    return write_clip(folder / "clip.mp4", pictures(300), options={"g": "300", "preset": "ultrafast"})


def test_stepping_back_decodes_a_group_a_few_times_only(long_group, monkeypatch):
    source = VideoSource(long_group, run_bytes=64 * 96 * 128 * 3 // 2)
    decoded = []
    put = PictureCache.put

    def counted(self, number, *rest, **more):
        decoded.append(number)
        put(self, number, *rest, **more)

    monkeypatch.setattr(PictureCache, "put", counted)
    for index in range(299, -1, -1):
        assert stamp(source.read(index)) == index
    assert len(decoded) < 300 * 12  # 300 * 150 without what is kept


def test_what_is_kept_is_bounded_and_near():
    class Plane:
        buffer_size = 10

    class Picture:
        planes = (Plane(), Plane())

    cache = PictureCache(100)
    for number in range(20):
        cache.put(number, Picture(), near=10)
    assert [number for number in range(20) if number in cache] == [8, 9, 10, 11, 12]
    cache.put(3, Picture(), near=3)
    assert 3 in cache
    assert 12 not in cache


def test_an_index_is_kept_and_read(long_group, tmp_path, monkeypatch):
    kept = tmp_path / "index.npz"
    first = Frames.open(long_group, kept=kept, cache_bytes=1)
    assert kept.exists()
    index_file._known.clear()
    monkeypatch.setattr(index_file, "build_index", lambda path: pytest.fail("it is known"))
    again = Frames.open(long_group, kept=kept, cache_bytes=1)
    assert np.array_equal(first[200], again[200])
    assert np.array_equal(first.times, again.times)
    monkeypatch.undo()
    index_file._known.clear()
    kept.write_bytes(kept.read_bytes()[:100])
    assert len(Frames.open(long_group, kept=kept)) == 300
    index_file._known.clear()
    assert index_file.load_index(kept, size=long_group.stat().st_size) is not None  # written anew
    assert index_file.load_index(kept, size=5) is None


def test_a_long_plain_file_is_decoded_at_its_beginning_only(tmp_path):
    path = make(tmp_path, Kind(".mp4", "libx264", gop=12, between=2))
    index = build_index(path, checked_pixels=10 * 96 * 128)
    assert len(index) == 48
    assert (index.checksum == UNKNOWN).sum() > 30
    whole = build_index(path)
    assert np.array_equal(index.packet, whole.packet)
    assert np.array_equal(index.stamps, whole.stamps)


@pytest.mark.parametrize(
    "kind",
    [
        Kind(".mp4", "libx264", gop=24, options=(("x264-params", "intra-refresh=1"),)),
        Kind(".avi", "libx264", gop=12, between=2),
        Kind(".mp4", "libx264", gop=48, cut="trim"),
    ],
    ids=lambda kind: kind.title,
)
def test_a_long_file_that_is_not_plain_is_decoded_to_its_end(tmp_path, kind):
    index = build_index(make(tmp_path, kind), checked_pixels=10 * 96 * 128)
    assert index.notes == ()
    assert (index.checksum != UNKNOWN).all()


def test_opening_again_in_one_process_decodes_nothing(long_group):
    Frames.open(long_group)
    start = time.perf_counter()
    assert len(Frames.open(long_group)) == 300
    assert time.perf_counter() - start < 2
