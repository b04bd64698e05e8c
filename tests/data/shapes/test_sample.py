from civos_siaf.cli.arguments import as_path
from civos_siaf.data.shapes import sample
from civos_siaf.video.frames import Frames


def test_the_sample_is_drawn_once_and_stands_for_a_video(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sample, "FRAMES", 3)
    path = sample.video_or_sample("sample")
    frames = Frames.open(path)
    assert (len(frames), frames.size) == (3, sample.SIZE)
    time = path.stat().st_mtime_ns
    assert as_path("sample", must_exist=True, what="video") == path
    assert path.stat().st_mtime_ns == time
    (tmp_path / "sample").mkdir()  # a folder of this name comes first
    assert sample.video_or_sample("sample") == as_path("sample", must_exist=True, what="video")
    assert str(sample.video_or_sample("sample")) == "sample"
