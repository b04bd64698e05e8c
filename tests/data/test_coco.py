import json

import numpy as np
import pytest

from civos_siaf.data.coco import CocoImages
from civos_siaf.masks.coco import read_entries
from tests.data.layouts import write_coco, write_lvis


@pytest.fixture
def root(tmp_path):
    return write_coco(tmp_path)


def test_masks_of_polygons_and_both_run_lengths_crowds_left_out(root):
    images = CocoImages(root / "instances.json", root / "images")
    assert len(images) == 3
    for index in range(3):
        masks = images[index].masks
        assert masks.shape == (3, 60, 80)
        assert masks[0, 5:25, 5:25].all()
        assert masks[0].sum() == 400
        y, x = np.mgrid[:60, :80]
        assert np.array_equal(masks[2], (y - 40) ** 2 + (x - 55) ** 2 <= 14**2)


def test_small_objects_and_images_without_any_are_left_out(root):
    images = CocoImages(root / "instances.json", root / "images", min_area=145)
    assert len(images[0].masks) == 2
    with pytest.raises(ValueError, match="no object of 10000 pixels"):
        CocoImages(root / "instances.json", root / "images", min_area=10000)


def test_a_field_splits_an_image_into_samples(root):
    path = root / "instances.json"
    content = json.loads(path.read_text())
    for number, note in enumerate(content["annotations"]):
        note["segmentation_index"] = number % 2
    path.write_text(json.dumps(content))
    images = CocoImages(path, root / "images", group_by="segmentation_index")
    assert [len(images[i].masks) for i in range(len(images))] == [2, 1, 2, 1, 2, 1]
    with pytest.raises(ValueError, match="KeyError"):
        CocoImages(path, root / "images", group_by="absent")


def test_images_without_annotations_can_be_kept(root):
    path = root / "instances.json"
    content = json.loads(path.read_text())
    content["annotations"] = content["annotations"][:4]
    path.write_text(json.dumps(content))
    assert len(CocoImages(path, root / "images")) == 1
    kept = CocoImages(path, root / "images", keep_empty=True)
    assert [len(kept[i].masks) for i in range(3)] == [3, 0, 0]


def test_lvis_finds_its_images_by_address(tmp_path):
    root = write_lvis(tmp_path)
    for folder in (root / "images", root / "images" / "train2017"):
        images = CocoImages(root / "lvis_v1_train.json", folder)
        assert images[1].image.shape == (60, 80, 3)
        assert len(images[1].masks) == 2


def test_mistakes_are_named(root):
    with pytest.raises(FileNotFoundError, match=r"absent\.json"):
        CocoImages(root / "absent.json", root / "images")
    with pytest.raises(FileNotFoundError, match="no folder of images"):
        CocoImages(root / "instances.json", root / "absent")
    text = (root / "instances.json").read_text()
    for spoilt in (text[:200], "[]", "", text.replace('"image_id"', '"id_of_image"')):
        (root / "spoilt.json").write_text(spoilt)
        with pytest.raises(ValueError, match=r"spoilt\.json"):
            CocoImages(root / "spoilt.json", root / "images")
    (root / "images" / "000000000001.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"000000000001\.jpg"):
        CocoImages(root / "instances.json", root / "images")[0]


def test_an_image_of_another_size_is_an_error(root):
    (root / "instances.json").write_text(
        (root / "instances.json").read_text().replace('"height": 60', '"height": 61')
    )
    with pytest.raises(ValueError, match=r"size \(60, 80\), the annotations say \(61, 80\)"):
        CocoImages(root / "instances.json", root / "images")[1]


def test_entries_are_those_of_the_whole_file(tmp_path):
    content = {"a": 3, "b": [1, {"c": [2, {}]}, "]"], "d": {"e": []}, "f": [], "g": None}
    for indent in (None, 2):
        (tmp_path / "x.json").write_text(json.dumps(content, indent=indent))
        entries = list(read_entries(tmp_path / "x.json"))
        assert entries == [
            ("a", 3),
            ("b", 1),
            ("b", {"c": [2, {}]}),
            ("b", "]"),
            ("d", {"e": []}),
            ("g", None),
        ]
