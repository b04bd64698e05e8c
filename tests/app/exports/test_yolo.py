"""YOLO polygons drawn by OpenCV: fractions cut off or rounded to whole pixels, outline included."""

import tempfile
from pathlib import Path

import cv2
import numpy as np
import yaml
from hypothesis import given, settings
from PIL import Image

from civos_siaf.app.exports import export
from tests.app.exports.fakes import HOSTILE, FakeAnnotation, FakeObject, label_videos


def draw(path, shape, whole=np.trunc):
    """Label map of a label file, class + 1 where there is one."""
    labels = np.zeros(shape, np.uint8)
    for line in path.read_text().splitlines():
        number, *values = line.split()
        corners = np.array(values, float).reshape(-1, 2)
        assert len(corners) >= 3
        assert ((corners >= 0) & (corners <= 1)).all()
        pixels = whole(corners * (shape[1], shape[0])).astype(np.int32)
        cv2.fillPoly(labels, [pixels], int(number) + 1)
    return labels


@given(label_videos())
@settings(max_examples=40)
def test_masks_come_back(video):
    everything = [FakeObject(n, f"{n}") for n in range(1, 5)]
    with tempfile.TemporaryDirectory() as name:
        annotation = FakeAnnotation(video, objects=everything)
        folder = export(annotation, "yolo", Path(name) / "out", options={"images": False})
        files = sorted((folder / "labels").iterdir())
        assert len(files) == len(video)
        for file, labels in zip(files, video, strict=True):
            for whole in (np.trunc, np.rint):
                np.testing.assert_array_equal(draw(file, labels.shape, whole), labels)


def test_layout(annotation, tmp_path):
    annotation.objects = [FakeObject(1, HOSTILE), FakeObject(2, 'a: "b" #c'), FakeObject(3, HOSTILE)]
    folder = export(annotation, "yolo", tmp_path / "out")
    data = yaml.safe_load((folder / "data.yaml").read_text())
    assert data["names"] == {0: HOSTILE, 1: 'a: "b" #c'}
    assert (folder / data["train"]).is_dir()
    images, labels = (sorted(p.stem for p in (folder / part).iterdir()) for part in ("images", "labels"))
    assert images == labels == [f"clip_{t:05d}" for t in range(4)]
    assert (folder / "labels" / "clip_00001.txt").read_text() == ""
    with Image.open(folder / "images" / "clip_00000.jpg") as image:
        assert image.size == (51, 37)


def test_joined_parts_are_one_line_per_object(annotation, tmp_path):
    options = {"parts": "joined", "images": False}
    folder = export(annotation, "yolo", tmp_path / "out", options=options)
    file = folder / "labels" / "clip_00000.txt"
    assert len(file.read_text().splitlines()) == 3
    drawn, labels = draw(file, (37, 51)), annotation.video[0]
    # Every pixel is there; what is too much is the line between the parts of object 2.
    assert (drawn == labels).mean() > 0.97
    assert (drawn[labels == 2] == 2).all()
