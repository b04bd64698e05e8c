import numpy as np
import pytest

from civos_siaf.video.frames import Frames
from civos_siaf.video.writer import write_video


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
