import logging

import av
import numpy as np
import pytest
from av.stream import Disposition

from civos_siaf.video.frames import Frames
from tests.video.clips import SMALL, Kind, make, pictures, stamp, write_clip
from tests.video.jumps import wrong_jumps


@pytest.mark.parametrize("kind", SMALL, ids=lambda kind: kind.title)
def test_a_jump_shows_what_decoding_from_the_start_shows(tmp_path, kind):
    length, wrong = wrong_jumps(make(tmp_path, kind), count=30, seed=0)
    assert wrong == []
    assert length > 20


def test_key_frames_that_need_a_run_up_are_said_to_be_slow(tmp_path, caplog):
    frames = Frames.open(make(tmp_path, SMALL[3]), cache_bytes=1)
    with caplog.at_level(logging.WARNING):
        assert [stamp(frames[k]) for k in (40, 25, 47, 3)] == [40, 25, 47, 3]
    assert "jumps decode from further back and are slow" in caplog.text


def test_a_file_that_begins_within_a_group_starts_at_its_first_key_frame(tmp_path, caplog):
    kind = Kind(".ts", "libx264", gop=12, between=2, cut="head")
    with caplog.at_level(logging.WARNING):
        frames = Frames.open(make(tmp_path, kind))
    assert stamp(frames[0]) == 24
    assert "begins within a group of frames" in caplog.text


def test_files_that_were_joined_have_the_frames_of_all(tmp_path):
    parts = []
    for number in (0, 1):
        part = write_clip(
            tmp_path / f"{number}.vob",
            list(pictures(48))[24 * number : 24 * number + 24],
            codec="mpeg2video",
            rate=25,
            options={"g": "12"},
        )
        parts.append(part.read_bytes())
    (tmp_path / "joined.vob").write_bytes(b"".join(parts))
    frames = Frames.open(tmp_path / "joined.vob", cache_bytes=1)
    assert [stamp(frame) for frame in frames] == list(range(48))
    assert [stamp(frames[k]) for k in (40, 2, 25, 23, 47)] == [40, 2, 25, 23, 47]
    times = frames.times
    assert (np.diff(times) > 0).all()
    assert times[-1] == pytest.approx(47 / 25, abs=0.1)


@pytest.mark.parametrize("rate", [1200, 2400])
def test_high_rates_lose_no_frame(tmp_path, rate):
    frames = Frames.open(write_clip(tmp_path / "fast.mkv", pictures(30), rate=rate))
    assert [stamp(frame) for frame in frames] == list(range(30))


def test_parts_of_another_size_are_scaled_and_said(tmp_path, caplog):
    for name, size in (("a", (96, 128)), ("b", (192, 256))):
        images = [image if size == (96, 128) else image.repeat(2, 0).repeat(2, 1) for image in pictures(12)]
        write_clip(tmp_path / f"{name}.ts", images, options={"g": "12"})
    data = b"".join((tmp_path / f"{name}.ts").read_bytes() for name in "ab")
    (tmp_path / "joined.ts").write_bytes(data)
    with caplog.at_level(logging.WARNING):
        frames = Frames.open(tmp_path / "joined.ts")
    assert [stamp(frame) for frame in frames] == [*range(12), *range(12)]
    assert frames.size == (96, 128)
    assert "frames 12-23: it has 256x192 pixels and is scaled to frame 0's 128x96" in caplog.text


def test_a_cover_picture_is_no_video(tmp_path):
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as out:
        cover, moving = out.add_stream("mjpeg", rate=24), out.add_stream("libx264", rate=24)
        for stream in (cover, moving):
            stream.height, stream.width, stream.pix_fmt = 96, 128, "yuv420p"
        cover.pix_fmt, cover.disposition = "yuvj420p", Disposition.attached_pic
        for stream, count in ((cover, 1), (moving, 12)):
            for image in pictures(count):
                out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            out.mux(stream.encode())
    assert len(Frames.open(path)) == 12


def test_sound_alone_is_no_video(tmp_path):
    with av.open(str(tmp_path / "song.wav"), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        silence.sample_rate = 8000
        out.mux(stream.encode(silence))
    with pytest.raises(ValueError, match=r"song\.wav: not a readable video \(it has no video stream\)"):
        Frames.open(tmp_path / "song.wav")


@pytest.mark.parametrize(
    "kind",
    [
        Kind(".mkv", "libx264", start=2.0),
        Kind(".ts", "libx264", start=90.0),
        Kind(".mp4", "libx264", cut="trim"),
    ],
    ids=lambda kind: kind.title,
)
def test_nothing_is_said_of_files_that_begin_late_or_were_trimmed(tmp_path, caplog, kind):
    with caplog.at_level(logging.WARNING):
        Frames.open(make(tmp_path, kind))
    assert caplog.text == ""
