"""COCO JSON read by pycocotools."""

import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO

from civos_siaf.app.exports import export
from tests.app.exports.fakes import FakeAnnotation, FakeObject, label_videos


def load(path):
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def label_map(coco, image):
    labels = np.zeros((image["height"], image["width"]), np.uint8)
    for entry in coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]])):
        mask = coco.annToMask(entry).astype(bool)
        rows, columns = np.nonzero(mask)
        assert entry["area"] == mask.sum()
        left, top = columns.min(), rows.min()
        assert entry["bbox"] == [left, top, columns.max() - left + 1, rows.max() - top + 1]
        assert entry["track_id"] == entry["instance_id"]
        assert entry["iscrowd"] == 0
        labels[mask] = entry["track_id"]
    return labels


@given(label_videos(), st.sampled_from(["rle", "polygons"]))
@settings(max_examples=60)
def test_masks_come_back(video, segmentation):
    with tempfile.TemporaryDirectory() as folder:
        options = {"segmentation": segmentation}
        coco = load(export(FakeAnnotation(video), "coco", Path(folder) / "out.json", options=options))
        for entry in coco.dataset["annotations"]:
            assert isinstance(entry["segmentation"], list) == (segmentation == "polygons")
        images = coco.loadImgs(coco.getImgIds())
        assert [image["frame_index"] for image in images] == list(range(len(video)))
        for image, labels in zip(images, video, strict=True):
            np.testing.assert_array_equal(label_map(coco, image), labels)


def test_names_and_options(annotation, tmp_path):
    annotation.objects = [FakeObject(1, "dog"), FakeObject(2, "dog"), FakeObject(3, " ")]
    coco = load(export(annotation, "coco", tmp_path / "a.json"))
    assert [(c["id"], c["name"]) for c in coco.dataset["categories"]] == [(1, "dog"), (2, "object 3")]
    assert {e["track_id"]: e["category_id"] for e in coco.dataset["annotations"]} == {1: 1, 2: 1, 3: 2}
    assert coco.dataset["videos"][0]["length"] == 4
    assert coco.dataset["images"][1]["file_name"] == "clip/00001.jpg"
    assert coco.dataset["images"][1]["video_id"] == coco.dataset["videos"][0]["id"]
    options = {"categories": "objects", "every": 3}
    coco = load(export(annotation, "coco", tmp_path / "b.json", options=options))
    assert [c["name"] for c in coco.dataset["categories"]] == ["dog", "dog (2)", "object 3"]
    assert [image["frame_index"] for image in coco.dataset["images"]] == [0, 3]


@pytest.mark.parametrize("options", [{}, {"categories": "objects"}])
def test_the_same_twice(annotation, tmp_path, options):
    texts = [export(annotation, "coco", tmp_path / f"{n}.json", options=options).read_bytes() for n in "ab"]
    assert texts[0] == texts[1]
