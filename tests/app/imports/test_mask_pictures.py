import numpy as np
import pytest
from PIL import Image, ImageFilter

from civos_siaf.app.imports import read_masks
from civos_siaf.masks import palette_image
from civos_siaf.video.frames import Frames

H, W = 48, 64
LABELS = np.zeros((3, H, W), np.uint8)
for t in range(3):
    LABELS[t, 4:20, 4 + t : 30 + t] = 1
    LABELS[t, 24:44, 10 : 40 + t] = 2
FRAMES = Frames.open(np.zeros((3, H, W, 3), np.uint8))
RGB = np.array([[0, 0, 0], [230, 25, 75], [60, 180, 75]], np.uint8)


def read(folder, make, **how):
    for t in range(3):
        make(t).save(folder / f"{t}.png")
    return read_masks(folder, "png", FRAMES, **how)


def white(t):
    return Image.fromarray(((LABELS[t] > 0) * 255).astype(np.uint8))


def agree(imported, labels):
    for t in range(3):
        np.testing.assert_array_equal(imported.labels(t), labels[t])


@pytest.mark.parametrize(
    "make",
    [
        lambda t: Image.fromarray(LABELS[t]),
        lambda t: palette_image(LABELS[t]),
        lambda t: Image.fromarray(np.array([0, 128, 255], np.uint8)[LABELS[t]]),
        lambda t: Image.fromarray(RGB[LABELS[t]]),
        lambda t: Image.fromarray(RGB[LABELS[t]]).quantize(4),
        lambda t: Image.fromarray(np.concatenate([RGB[LABELS[t]], np.full((H, W, 1), 255, np.uint8)], -1)),
        lambda t: Image.fromarray(LABELS[t].astype(np.uint16)),
        lambda t: Image.fromarray(np.array([0, 128 * 257, 65535], np.uint16)[LABELS[t]]),
        lambda t: palette_image(LABELS[t]).convert("RGB"),
    ],
    ids=["grey", "palette", "levels", "rgb", "quantised", "rgba", "deep", "deep_levels", "davis_colours"],
)
def test_two_objects_however_they_are_written(make, tmp_path):
    imported = read(tmp_path, make)
    assert dict(imported.names) == {1: None, 2: None}
    agree(imported, LABELS)


def test_smoothed_masks_are_one_object(tmp_path):
    imported = read(tmp_path, lambda t: white(t).filter(ImageFilter.GaussianBlur(1.5)))
    assert dict(imported.names) == {1: None}
    assert "smoothed" in imported.notes[0]
    for t in range(3):
        wrong = (imported.labels(t) > 0) != (LABELS[t] > 0)
        assert wrong.mean() < 0.02


def test_one_and_255_in_different_files_are_the_same_object(tmp_path):
    one = (LABELS > 0).astype(np.uint8)
    imported = read(tmp_path, lambda t: Image.fromarray(one[t] * np.uint8(255 if t else 1)))
    assert dict(imported.names) == {1: None}
    agree(imported, one)


def test_255_beside_numbers_is_unknown(tmp_path):
    void = LABELS.copy()
    void[:, 0, 0] = 255
    agree(read(tmp_path, lambda t: Image.fromarray(void[t])), LABELS)


def test_what_can_be_read_in_several_ways_is_asked(tmp_path):
    values = np.array([0, 7, 255], np.uint8)
    with pytest.raises(ValueError, match=r"values 0, 7, 255: .*values=numbers.*values=levels.*values=white"):
        read(tmp_path, lambda t: Image.fromarray(values[LABELS[t]]))
    how = {"numbers": (LABELS == 1) * 7, "levels": LABELS, "white": LABELS == 2}
    for meaning, expected in how.items():
        agree(read_masks(tmp_path, "png", FRAMES, values=meaning), expected)
    with pytest.raises(ValueError, match="values=any: there are numbers, levels, white, colours"):
        read_masks(tmp_path, "png", FRAMES, values="any")


def test_smoothed_colours_and_no_black_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"colours, most of them rare .* one colour per object"):
        read(tmp_path, lambda t: Image.fromarray(RGB[LABELS[t]]).filter(ImageFilter.GaussianBlur(0.8)))
    with pytest.raises(ValueError, match="no pixel is black"):
        read(tmp_path, lambda t: Image.fromarray(RGB[LABELS[t]] + np.uint8(9)))


def test_transparent_is_background(tmp_path):
    def make(t):
        rgba = np.full((H, W, 4), (200, 30, 30, 255), np.uint8)
        rgba[LABELS[t] == 0] = (255, 255, 255, 0)
        return Image.fromarray(rgba)

    agree(read(tmp_path, make), (LABELS > 0).astype(np.uint8))
