import numpy as np
import pytest
from PIL import Image

from civos_siaf.video.frames import Frames
from civos_siaf.video.image_files import MASK_SUFFIXES, by_stem, file_beside, image_files, in_order


def save(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 6, 3), value, np.uint8)).save(path)


def test_numbers_without_zeros_are_in_the_order_of_time():
    names = [str(n) for n in range(12)]
    assert in_order(reversed(names)) == names
    assert in_order(["a10", "a9", "a09", "b1"]) == ["a09", "a9", "a10", "b1"]
    assert in_order(["1" * 5000, "2"]) == ["2", "1" * 5000]
    assert in_order(["²a", "2a"]) == ["2a", "²a"]


def test_hidden_files_are_no_frames_and_suffixes_count_in_any_case(tmp_path):
    for name in ("2.JPG", "10.jpeg", "1.Png"):
        save(tmp_path / name)
    for name in ("._2.JPG", ".10.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"\x00\x05\x16\x07")
    assert [path.name for path in image_files(tmp_path)] == ["1.Png", "2.JPG", "10.jpeg"]
    assert len(Frames.open(tmp_path)) == 3
    assert list(by_stem(tmp_path, MASK_SUFFIXES)) == ["1"]


def test_one_frame_in_two_files_is_refused(tmp_path):
    for name in ("00000.jpg", "00000.png", "00001.jpg"):
        save(tmp_path / name)
    with pytest.raises(ValueError, match=r"00000\.jpg and 00000\.png would be one frame twice"):
        Frames.open(tmp_path)


def test_the_file_of_a_name(tmp_path):
    save(tmp_path / "1.PNG")
    assert file_beside(tmp_path, "1", MASK_SUFFIXES) == tmp_path / "1.PNG"
    assert file_beside(tmp_path, "11", MASK_SUFFIXES) is None
    assert file_beside(tmp_path / "none", "1", MASK_SUFFIXES) is None
