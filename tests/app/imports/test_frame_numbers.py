import numpy as np
import pytest
from PIL import Image

from civos_siaf.app.imports.external_masks import frame_numbers
from civos_siaf.video.frames import Frames

VIDEO = Frames.open(np.zeros((12, 2, 2, 3), np.uint8))


def images(folder, *stems):
    for stem in stems:
        Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(folder / f"{stem}.png")
    return Frames.open(folder)


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        ([f"{k}.png" for k in range(12)], list(range(12))),
        (["a/00000.png", "a/00011.png"], [0, 11]),
        (["frame_0001_v2.png"], [1]),
        (["frame_0001_v2.png", "frame_0003_v2.png"], [1, 3]),
        (["00001_2.png", "00004_2.png", "00007_2.png"], [1, 4, 7]),  # what differs is the frame
        (["clip2_5.png"], [5]),
        (["0.png", "v3.png"], [0, 3]),
        (["5.png", "10.png"], [5, 10]),
    ],
)
def test_numbers_of_a_video(names, numbers):
    assert frame_numbers(names, VIDEO)[0] == numbers


def test_counted_from_one():
    whole = [f"{k:05d}.png" for k in range(1, 13)]
    assert frame_numbers(whole, VIDEO) == (list(range(12)), "counted from 1, as the video has 12 frames")
    some = whole[:10]
    with pytest.raises(ValueError, match=r"files 1 to 10, .*first=0\) or from 1 \(first=1"):
        frame_numbers(some, VIDEO)
    assert frame_numbers(some, VIDEO, first=1)[0] == list(range(10))
    assert frame_numbers(some, VIDEO, first=0)[0] == list(range(1, 11))
    with pytest.raises(ValueError, match=r"12\.png: frame 12, the video has frames 0 to 11; .*first=1"):
        frame_numbers(["12.png"], VIDEO)
    with pytest.raises(ValueError, match=r"0\.png: frame -1"):
        frame_numbers(["0.png", "3.png"], VIDEO, first=1)


def test_names_of_images_come_first(tmp_path):
    frames = images(tmp_path, *(f"shot_{k}" for k in range(1, 13)))
    assert frame_numbers(["shot_1.png", "shot_12.png"], frames) == ([0, 11], "")
    assert frame_numbers(["shot_3_mask.png", "mask-shot_11.png"], frames)[0] == [2, 10]
    assert frame_numbers(["shot_1_v2.png", "shot_2_v2.png"], frames)[0] == [0, 1]
    numbers, note = frame_numbers(["00001.png", "00010.png"], frames)
    assert (numbers, note) == ([0, 9], "by the numbers in the names of the images")


def test_no_number_and_two_files_of_a_frame():
    with pytest.raises(ValueError, match="says no frame number"):
        frame_numbers(["a.png"], VIDEO)
    with pytest.raises(ValueError, match="are both of frame 1"):
        frame_numbers(["a/1.png", "a/01.png", "0.png"], VIDEO)
