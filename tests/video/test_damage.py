import logging

import av
import numpy as np
import pytest

import civos_siaf.video.index_file as index_file
from civos_siaf.api import open_project
from civos_siaf.api.segmentation import segment
from civos_siaf.methods import NearestColour
from civos_siaf.prompts import Click, Prompts
from civos_siaf.video.frames import Frames
from civos_siaf.video.index import build_index
from civos_siaf.video.source import DamagedFrameError
from tests.video.clips import pictures, stamp, write_clip


@pytest.fixture
def damaged(tmp_path):
    """24 frames with two groups; the packet of frame 5 is noise."""
    path = write_clip(tmp_path / "clip.mp4", pictures(24), options={"g": "12", "bf": "0"})
    with av.open(str(path)) as container:
        start, size = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size][5]
    data = bytearray(path.read_bytes())
    data[start : start + size] = np.random.default_rng(0).integers(0, 256, size, np.uint8).tobytes()
    path.write_bytes(data)
    return path


def test_a_damaged_frame_is_named_and_the_others_are_shown(damaged, caplog):
    with caplog.at_level(logging.WARNING):
        frames = Frames.open(damaged, cache_bytes=1)
    assert len(frames) == 24
    assert "clip.mp4: frame 5: it cannot be decoded" in caplog.text
    assert "frames 6-11: it may be wrong" in caplog.text
    assert sorted(frames.faults) == list(range(5, 12))
    order = [23, 4, 12, 0, 17, 6, 11]
    assert [stamp(frames[k]) for k in order if k not in frames.faults] == [23, 4, 12, 0, 17]
    with pytest.raises(DamagedFrameError, match=r"clip\.mp4: frame 5 is damaged"):
        frames[5]
    held = Frames.open(damaged, cache_bytes=1, hold=True)
    assert stamp(held[5]) == 4


def test_damage_beyond_what_is_checked_is_named_when_it_is_reached(damaged, monkeypatch, caplog):
    index_file._known.clear()
    monkeypatch.setattr(index_file, "build_index", lambda path: build_index(path, checked_pixels=96 * 128))
    frames = Frames.open(damaged, cache_bytes=1)
    assert (len(frames), dict(frames.faults)) == (24, {})
    with pytest.raises(DamagedFrameError, match=r"clip\.mp4: frame 5 is damaged"):
        frames[5]
    assert [stamp(frames[k]) for k in (23, 4, 12)] == [23, 4, 12]
    held = Frames.open(damaged, cache_bytes=1, hold=True)
    assert [stamp(held[k]) for k in (5, 5, 20)] == [4, 4, 20]
    assert sorted(held.faults) == [5]
    assert caplog.text.count("frame 5 is shown as the one before it") == 1
    index_file._known.clear()


def test_propagation_goes_around_a_damaged_frame(damaged, tmp_path):
    with open_project.annotate(damaged, method=NearestColour(), folder=tmp_path / "p") as project:
        square = project.add_object()
        project.click(0, square, x=20, y=40)
        project.propagate()
        assert all(project.labels(t) is not None for t in range(24))
        assert (project.labels(5) > 0).any()
        state = project.state
        assert state.to_json()["frames"]["damaged"] == [[5, 11]]
        assert state.scores[5] == 1
        assert state.suggested in range(5, 12)
        project.export("overlay", tmp_path / "overlay.mp4")
    assert len(Frames.open(tmp_path / "overlay.mp4")) == 24


def test_a_segmentation_does_not_end_at_a_damaged_frame(damaged):
    prompts = Prompts((Click(0, 1, x=20, y=40),))
    labels = segment(Frames.open(damaged, hold=True), prompts, method=NearestColour()).labels
    assert len(labels) == 24
    assert labels[5].any()
    with pytest.raises(DamagedFrameError, match="frame 5 is damaged"):
        segment(Frames.open(damaged), prompts, method=NearestColour())


@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".mkv"])
def test_a_truncated_file_has_the_frames_that_are_there(tmp_path, caplog, suffix):
    path = tmp_path / f"clip{suffix}"
    with av.open(str(path), "w", options={"movflags": "faststart"} if suffix == ".mp4" else {}) as out:
        stream = out.add_stream("libx264", rate=24, options={"g": "12", "bf": "0"})
        stream.height, stream.width, stream.pix_fmt = 96, 128, "yuv420p"
        for image in pictures(48):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode())
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    with caplog.at_level(logging.WARNING):
        frames = Frames.open(path, cache_bytes=1, hold=True)
    length = len(frames)
    assert 10 < length < 48
    good = [k for k in range(length) if k not in frames.faults]
    assert len(good) >= length - 1
    assert [stamp(frames[k]) for k in reversed(good)] == good[::-1]
    if suffix == ".mkv":
        assert "and it says that it lasts 2.0 s" in caplog.text
    if suffix == ".mp4":
        assert f"it is cut off: 48 frames are listed in it, {length} are there" in caplog.text
        assert frames.cut_off is not None
