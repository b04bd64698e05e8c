import cv2
import numpy as np
import pytest
from PIL import Image

from civos_siaf.data.fast_images import read_fast
from civos_siaf.video.frames import Frames
from civos_siaf.video.image_pixels import read_image

GREY = np.tile(np.array([0, 30, 220, 255], np.int64), (3, 2))


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_integers_are_scaled_by_the_bits_that_they_use(tmp_path, caplog, bits):
    values = np.round(GREY / 255 * (2**bits - 1)).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    cv2.imwrite(str(tmp_path / "colour.png"), np.repeat(values[..., None], 3, axis=2))
    cv2.imwrite(str(tmp_path / "colour.tif"), np.repeat(values[..., None], 3, axis=2))
    for name in ("deep.png", "colour.png", "colour.tif"):
        for read in (read_image, read_fast):
            assert np.abs(read(tmp_path / name).astype(int) - GREY[..., None]).max() <= 1, name
    assert f"{2**bits - 1} is white" in caplog.text


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((GREY * 300).astype(np.int32), GREY),
        ((GREY / 255).astype(np.float32), GREY),
        ((GREY / 50).astype(np.float32), GREY),
        ((GREY - 100).astype(np.float32), GREY),
        ((GREY * 257).astype(np.uint16), GREY),
        ((GREY // 50 * 257).astype(np.uint16), GREY // 50),
    ],
    ids=["int32", "fractions", "hdr", "negative", "stretched", "stretched and dark"],
)
def test_what_is_no_plain_depth_is_scaled_by_its_range(tmp_path, values, expected):
    Image.fromarray(values).save(tmp_path / "deep.tif")
    assert np.abs(read_image(tmp_path / "deep.tif").astype(int) - expected[..., None]).max() <= 1


def test_images_of_a_folder_are_scaled_alike(tmp_path):
    for index, top in enumerate((255, 4080, 1000)):
        Image.fromarray(np.full((4, 6), top, np.uint16)).save(tmp_path / f"{index}.png")
    assert [int(frame[0, 0, 0]) for frame in Frames.open(tmp_path)] == [16, 254, 62]


def test_colours_keep_their_order_and_are_turned(tmp_path):
    values = np.zeros((4, 6, 3), np.uint16)
    values[0, 0] = (4000, 400, 0)  # as RGB
    cv2.imwrite(str(tmp_path / "deep.png"), values[..., ::-1])
    assert read_image(tmp_path / "deep.png")[0, 0].tolist() == [249, 25, 0]
