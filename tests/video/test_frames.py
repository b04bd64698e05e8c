import av
import numpy as np
import pytest
from PIL import Image

from civos_siaf import Frames


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """60 grey frames, frame i of grey 4 * i, with B-frames and a key frame every 12."""
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "12", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(60):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 4 * i, np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    "order", [range(60), range(59, -1, -1), [30, 31, 5, 59, 0, 58, 12, 11, 13, 30]], ids=str
)
def test_video_frames_in_any_order(clip, order):
    frames = Frames.open(clip, cache_bytes=0)
    assert (len(frames), frames.size) == (60, (48, 64))
    for index in order:
        assert abs(frames[index].mean() - 4 * index) < 4, index
    assert frames.name(7) == "00007"


def test_the_cache_is_bounded_and_used():
    class Counting:
        reads = 0

        def __len__(self):
            return 10

        def read(self, index):
            self.reads += 1
            return np.full((4, 5, 3), index, np.uint8)

        def name(self, index):
            return str(index)

    source = Counting()
    frames = Frames(source, cache_bytes=3 * 60)
    for index in (0, 1, 2, 0, 1, 2):
        assert frames[index][0, 0, 0] == index
    assert source.reads == 3
    for _ in frames:
        assert frames.cached_bytes <= 3 * 60
    assert source.reads == 10
    assert frames[-1][0, 0, 0] == 9
    with pytest.raises(IndexError, match="frame 10 of a video with 10"):
        frames[10]


def test_images_come_in_natural_order_upright_and_as_rgb(tmp_path):
    grey = np.arange(24, dtype=np.uint8).reshape(4, 6)
    Image.fromarray(grey).save(tmp_path / "f1.png")
    rgba = np.dstack([grey, grey, grey, np.full_like(grey, 7)])
    Image.fromarray(rgba).save(tmp_path / "f2.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "f10.png")
    exif = Image.Exif()
    exif[274] = 6  # the camera was turned: rotate by 270 degrees
    Image.fromarray(np.rot90(grey)).save(tmp_path / "f11.png", exif=exif)
    (tmp_path / "notes.txt").write_text("no image")
    frames = Frames.open(tmp_path)
    assert [frames.name(i) for i in range(len(frames))] == ["f1", "f2", "f10", "f11"]
    for frame in frames:
        assert frame.shape == (4, 6, 3)
        assert (frame == grey[..., None]).all()


def test_frames_are_read_only():
    frame = Frames.open(np.zeros((2, 3, 3, 3), np.uint8))[0]
    with pytest.raises(ValueError, match="read-only"):
        frame[0] = 1


@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 4, 5, 1), (3, 4, 5, 4)])
def test_arrays_of_grey_and_alpha(shape):
    assert Frames.open(np.zeros(shape, np.uint8))[2].shape == (4, 5, 3)


def test_what_is_no_video_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no video file or image folder"):
        Frames.open(tmp_path / "nothing")
    with pytest.raises(ValueError, match="no images"):
        Frames.open(tmp_path)
    with pytest.raises(ValueError, match=r"got \(2, 2\) float64"):
        Frames.open(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="at least one frame"):
        Frames.open(np.zeros((0, 2, 2, 3), np.uint8))
    (tmp_path / "clip.mp4").write_bytes(b"not a video at all" * 10)
    with pytest.raises(ValueError, match=r"clip\.mp4: not a readable video"):
        Frames.open(tmp_path / "clip.mp4")


def test_a_frame_of_another_size_or_a_broken_one_is_named(tmp_path):
    for index, size in enumerate([(6, 4), (6, 4), (5, 4)]):
        Image.new("RGB", size).save(tmp_path / f"{index:05d}.png")
    (tmp_path / "00001.png").write_bytes(b"broken")
    frames = Frames.open(tmp_path)
    with pytest.raises(ValueError, match=r"00001\.png: not a readable image"):
        frames[1]
    with pytest.raises(ValueError, match=r"frame 00002 has size \(4, 5\), frame 0 has \(4, 6\)"):
        frames[2]
