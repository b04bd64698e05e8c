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
    for index, size in enumerate([(6, 4), (6, 4), (6, 4), (5, 4)]):
        Image.new("RGB", size).save(tmp_path / f"{index:05d}.png")
    with pytest.raises(ValueError, match=r"6x4 is that of 3, not of 00003\.png \(5x4\)"):
        Frames.open(tmp_path)
    (tmp_path / "00003.png").unlink()
    (tmp_path / "00001.png").write_bytes(b"broken")
    frames = Frames.open(tmp_path)
    with pytest.raises(ValueError, match=r"00001\.png: not a readable image"):
        frames[1]
    assert 1 in frames.faults


def test_in_the_place_of_a_broken_frame_the_last_good_one_is_held(tmp_path, caplog):
    for index in range(4):
        Image.new("RGB", (6, 4), (40 * index,) * 3).save(tmp_path / f"{index:05d}.png")
    whole = (tmp_path / "00002.png").read_bytes()
    (tmp_path / "00002.png").write_bytes(whole[:50])  # the header is right
    (tmp_path / "00000.png").write_bytes(b"broken")
    frames = Frames.open(tmp_path, hold=True)
    assert [int(frame[0, 0, 0]) for frame in frames] == [40, 40, 40, 120]
    assert [int(frames[k][0, 0, 0]) for k in (2, 0)] == [40, 40]
    assert sorted(frames.faults) == [0, 2]
    assert caplog.text.count("00002.png: not a readable image") == 1


def test_pages_of_one_file_are_frames(tmp_path):
    pages = [Image.new("RGB", (6, 4), (20 * k,) * 3) for k in range(6)]
    first, *rest = pages
    first.save(tmp_path / "stack.tif", save_all=True, append_images=rest)
    moving = {"save_all": True, "append_images": rest, "duration": [40] * 3 + [80] * 3}
    first.save(tmp_path / "moving.webp", lossless=True, **moving)
    first.save(tmp_path / "moving.png", **moving)
    for name in ("stack.tif", "moving.webp", "moving.png"):
        frames = Frames.open(tmp_path / name, cache_bytes=1)
        assert [int(frames[k][0, 0, 0]) for k in (4, 1, 5, 0, 2, 3)] == [80, 20, 100, 0, 40, 60], name
        assert (frames.name(3), frames.has_file_names) == ("00003", False)
    for name in ("moving.webp", "moving.png"):
        times = Frames.open(tmp_path / name).times
        assert times.tolist() == pytest.approx([0, 0.04, 0.08, 0.12, 0.2, 0.28])
    folder = tmp_path / "folder"
    folder.mkdir()
    first.save(folder / "a.tif", save_all=True, append_images=rest)
    Image.new("RGB", (6, 4), (200,) * 3).save(folder / "b.tif")
    frames = Frames.open(folder)
    assert [int(frame[0, 0, 0]) for frame in frames] == [0, 20, 40, 60, 80, 100, 200]
    assert [frames.name(k) for k in (0, 5, 6)] == ["a_00000", "a_00005", "b"]


def test_previews_are_no_pages(tmp_path):
    large, small = Image.new("RGB", (16, 12)), Image.new("RGB", (4, 3))
    large.save(tmp_path / "photo.tif", save_all=True, append_images=[small], tiffinfo={254: 0})
    with pytest.raises(ValueError, match=r"photo\.tif, page 1 \(4x3\)"):
        Frames.open(tmp_path / "photo.tif")
    data = bytearray((tmp_path / "photo.tif").read_bytes())
    second = int.from_bytes(data[int.from_bytes(data[4:8], "little") :][:2], "little")
    place = int.from_bytes(data[4:8], "little") + 2 + 12 * second
    place = int.from_bytes(data[place : place + 4], "little") + 2
    assert int.from_bytes(data[place : place + 2], "little") == 254
    data[place + 8] = 1  # says of the second page that it is a smaller version
    (tmp_path / "photo.tif").write_bytes(data)
    assert len(Frames.open(tmp_path / "photo.tif")) == 1
