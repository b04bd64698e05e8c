"""Overlay and matte, read by PyAV and PIL."""

import av
import numpy as np
import pytest
from PIL import Image

from civos_siaf.app.exports import export
from tests.app.exports.fakes import FakeAnnotation, FakeObject


def decode(path):
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.fixture
def annotation():
    video = np.zeros((3, 64, 81), np.uint8)
    for t in range(3):
        video[t, 16:48, 8 + 4 * t : 40 + 4 * t] = 1
    video[1, 20:40, 50:70] = 2
    return FakeAnnotation(video, objects=[FakeObject(1, "a", "#ff0000"), FakeObject(2, "b", "#0000ff")])


def test_overlay_has_the_chosen_colours(annotation, tmp_path):
    shown = decode(export(annotation, "overlay", tmp_path / "a.mp4", options={"opacity": 1.0}))
    assert [image.shape for image in shown] == [(64, 82, 3)] * 3
    for number, colour in ((1, (255, 0, 0)), (2, (0, 0, 255))):
        inside = np.zeros((64, 81), bool)
        inside[24:36, 20:36] = number == 1
        inside[24:36, 54:66] |= number == 2
        assert np.abs(shown[1][:, :81][inside] - np.array(colour, float)).mean() < 12
    outside = annotation.video[0] == 0
    difference = np.abs(shown[0][:, :81].astype(float) - annotation.frames[0])
    assert np.median(difference[outside]) < 12


def test_matte_video(annotation, tmp_path):
    shown = decode(export(annotation, "matte", tmp_path / "a.mp4"))
    for image, labels in zip(shown, annotation.video, strict=True):
        np.testing.assert_array_equal(image[:, :81, 1] > 127, labels > 0)
    one = decode(export(annotation, "matte", tmp_path / "b.mp4", options={"object": 2}))
    np.testing.assert_array_equal(one[1][:, :81, 1] > 127, annotation.video[1] == 2)
    assert one[0].max() < 40


def test_matte_pngs(annotation, tmp_path):
    folder = export(annotation, "matte", tmp_path / "out", options={"kind": "png"})
    files = sorted(folder.iterdir())
    assert len(files) == 3
    for t, file in enumerate(files):
        with Image.open(file) as image:
            assert image.mode == "RGBA"
            pixels = np.array(image)
        np.testing.assert_array_equal(pixels[..., :3], annotation.frames[t])
        np.testing.assert_array_equal(pixels[..., 3], (annotation.video[t] > 0) * 255)


def test_an_object_that_is_not_there(annotation, tmp_path):
    with pytest.raises(ValueError, match="no object 9"):
        export(annotation, "matte", tmp_path / "a.mp4", options={"object": 9})
