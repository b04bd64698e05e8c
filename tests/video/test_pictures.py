import logging
import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from civos_siaf.video.frames import Frames
from civos_siaf.video.pictures import orientation
from tests.video.clips import pictures, write_clip

TURNS = {
    "as it is": ((1, 0, 0, 1), lambda a: a),
    "90": ((0, 1, -1, 0), lambda a: np.rot90(a, -1)),
    "180": ((-1, 0, 0, -1), lambda a: np.rot90(a, 2)),
    "270": ((0, -1, 1, 0), np.rot90),
    "left-right": ((-1, 0, 0, 1), lambda a: a[:, ::-1]),
    "up-down": ((1, 0, 0, -1), lambda a: a[::-1]),
    "transposed": ((0, 1, 1, 0), lambda a: a.transpose(1, 0, 2)),
    "transposed the other way": ((0, -1, -1, 0), lambda a: np.rot90(a, 2).transpose(1, 0, 2)),
    "91 degrees": ((-0.0175, 0.9998, -0.9998, -0.0175), lambda a: np.rot90(a, -1)),
    "30 degrees": ((0.866, 0.5, -0.5, 0.866), lambda a: a),
    "150 degrees": ((-0.866, 0.5, -0.5, -0.866), lambda a: a),
}


def turn(path, a, b, c, d):
    """Set the display matrix of an MP4, as phones do."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd")
    rows = [round(value * 65536) for value in (a, b, 0, c, d, 0, 0, 0)]
    data[at + 44 : at + 80] = struct.pack(">9i", *rows, 1 << 30)
    path.write_bytes(data)


@pytest.mark.parametrize("how", TURNS)
def test_turned_and_mirrored_videos_are_shown_as_a_browser_does(tmp_path, caplog, how):
    matrix, right = TURNS[how]
    path = write_clip(tmp_path / "clip.mp4", pictures(3), aspect=Fraction(16, 11))
    expected = right(Frames.open(path)[2])
    turn(path, *matrix)
    with caplog.at_level(logging.WARNING):
        frames = Frames.open(path)
        assert np.array_equal(frames[2], expected)
    assert frames.size == expected.shape[:2]
    quarter = expected.shape[0] == 128
    assert frames.pixel_aspect == (Fraction(11, 16) if quarter else Fraction(16, 11))
    assert ("turned by no quarter turn" in caplog.text) == (how in ("30 degrees", "150 degrees"))


@pytest.mark.parametrize("scale", [1, 65536, 0.5])
def test_the_size_of_a_matrix_does_not_matter(scale):
    matrix = [scale * value for value in (0, -1, 0, -1, 0, 0, 0, 0, 1)]
    assert orientation(matrix) == (3, True)


def yuv_clip(path, size, values, **tags):
    """A file of one colour, given as YUV."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=24, options={"qp": "0"})
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p10le" if max(values) > 255 else "yuv420p"
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        frame = av.VideoFrame(size[1], size[0], stream.pix_fmt)
        for plane, value in zip(frame.planes, values, strict=True):
            kind = "<u2" if max(values) > 255 else np.uint8
            plane.update(np.full(plane.buffer_size // np.dtype(kind).itemsize, value, kind).tobytes())
        frame.pts = 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("size", "tags", "hd"),
    [
        ((720, 1280), {}, True),
        ((1280, 720), {}, True),
        ((480, 640), {}, False),
        ((720, 1280), {"colorspace": 6}, False),
        ((480, 640), {"colorspace": 1}, True),
    ],
)
def test_hd_that_does_not_name_its_colours_is_bt709(tmp_path, size, tags, hd):
    frames = Frames.open(yuv_clip(tmp_path / "red.mp4", size, (63, 102, 240), **tags))
    expected = (254, 0, 0) if hd else (234, 0, 1)
    assert np.abs(frames[0][50, 50].astype(int) - expected).max() <= 3


def test_the_light_of_hdr_is_brought_to_a_screen_and_said(tmp_path, caplog):
    levels = []
    for code in (64, 300, 500, 940):  # black, 4 nits, 60 nits, the brightest
        path = yuv_clip(tmp_path / f"{code}.mp4", (96, 128), (code, 512, 512), color_trc=16, color_range=1)
        levels.append(int(Frames.open(path)[0][50, 50, 0]))
    assert levels[0] == 0
    assert 20 < levels[1] < 60
    assert 110 < levels[2] < 170
    assert levels[3] == 255
    assert "HDR" in caplog.text
