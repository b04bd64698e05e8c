from fractions import Fraction

import av
import numpy as np
import pytest

from civos_siaf.video.frames import Frames
from civos_siaf.video.writer import write_video
from tests.video.clips import pictures, write_clip


def frames(count=6, size=(48, 64)):
    ramp = np.linspace(0, 200, size[1]).astype(np.uint8)
    for t in range(count):
        image = np.zeros((*size, 3), np.uint8)
        image[..., 0] = ramp
        image[..., 1] = t * 30
        yield image


@pytest.mark.parametrize("size", [(48, 64), (47, 63)])
def test_written_frames_are_read_back(tmp_path, size):
    assert write_video(tmp_path / "a.mp4", frames(size=size), frame_rate=12.5, quality=5) == 6
    read = Frames.open(tmp_path / "a.mp4")
    assert len(read) == 6
    assert read.frame_rate == pytest.approx(12.5)
    assert read.size == (48, 64)
    for got, expected in zip(read, frames(size=size), strict=True):
        difference = got[: size[0], : size[1]].astype(int) - expected
        assert np.abs(difference).mean() < 4


def test_nothing_is_left_of_a_failed_video(tmp_path):
    with pytest.raises(ValueError, match=r"a\.mp4: frame 1 has size \(4, 4, 3\), the first has \(8, 8, 3\)"):
        write_video(tmp_path / "a.mp4", [np.zeros((8, 8, 3), np.uint8), np.zeros((4, 4, 3), np.uint8)])
    with pytest.raises(ValueError, match="no frame"):
        write_video(tmp_path / "a.mp4", [])
    assert list(tmp_path.iterdir()) == []


def seconds_of(path):
    with av.open(str(path)) as container:
        return [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]


def test_times_and_pixel_aspect_of_another_video_are_kept(tmp_path):
    times = [40 * k if k < 6 else 240 + 200 * (k - 6) for k in range(12)]
    source = write_clip(tmp_path / "a.mp4", pictures(12), times=times, aspect=Fraction(16, 11))
    original = Frames.open(source)
    assert original.times == pytest.approx(np.array(times) / 1000, abs=1e-3)
    assert write_video(tmp_path / "b.mp4", iter(original), like=original) == 12
    assert seconds_of(tmp_path / "b.mp4") == pytest.approx(np.array(times) / 1000, abs=1e-3)
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(16, 11)
        assert container.streams.video[0].codec_context.colorspace == 1
    for got, expected in zip(Frames.open(tmp_path / "b.mp4"), original, strict=True):
        assert np.abs(got.astype(int) - expected).mean() < 4


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_is_kept_and_in_step(tmp_path, suffix):
    rate, source = 44_100, tmp_path / f"a{suffix}"
    with av.open(str(source), "w") as out:
        video = out.add_stream("libx264", rate=25)
        video.height, video.width, video.pix_fmt = 96, 128, "yuv420p"
        audio = out.add_stream("mp3" if suffix == ".mkv" else "aac", rate=rate)
        audio.codec_context.layout = "mono"
        for image in pictures(50):
            out.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(video.encode())
        wave = np.zeros(2 * rate, np.float32)
        wave[rate : rate + 4410] = np.sin(np.arange(4410) / 5) * 0.5  # a beep after one second
        for start in range(0, len(wave), 1152):
            piece = av.AudioFrame.from_ndarray(wave[None, start : start + 1152], format="fltp", layout="mono")
            piece.sample_rate, piece.pts, piece.time_base = rate, start, Fraction(1, rate)
            out.mux(audio.encode(piece))
        out.mux(audio.encode())
    frames = Frames.open(source)
    write_video(tmp_path / "b.mp4", iter(frames), like=frames, sound=True)
    with av.open(str(tmp_path / "b.mp4")) as container:
        track = container.streams.audio[0]
        loud = [
            float(piece.pts * piece.time_base) + np.flatnonzero(np.abs(piece.to_ndarray()[0]) > 0.2)[0] / rate
            for piece in container.decode(track)
            if np.abs(piece.to_ndarray()[0]).max() > 0.2
        ]
    assert loud[0] == pytest.approx(1.0, abs=0.06)
    assert len(Frames.open(tmp_path / "b.mp4")) == 50
    write_video(tmp_path / "silent.mp4", iter(frames), like=frames)
    with av.open(str(tmp_path / "silent.mp4")) as container:
        assert not container.streams.audio
