import json

import numpy as np
import pytest

from civos_siaf.data.coco import CocoLvisImages
from civos_siaf.data.salient import SalientImages
from civos_siaf.masks import to_rle
from tests.data.layouts import save_image, write_coco, write_lvis, write_saliency


@pytest.fixture
def both(tmp_path):
    write_coco(tmp_path)
    return write_lvis(tmp_path)


def sources(root, **options):
    return CocoLvisImages(root / "lvis_v1_train.json", root / "instances.json", root / "images", **options)


def test_coco_masks_that_lvis_has_are_left_out(both):
    images = sources(both)
    masks = images[0].masks
    corners = [tuple(np.argwhere(mask)[0]) for mask in masks]
    assert corners == [(5, 5), (2, 50), (15, 15), (26, 55)]
    assert len(sources(both, match=1.0)[0].masks) == 5, "an IoU of 1 is not above 1"
    assert len(sources(both, min_area=200)[0].masks) == 3


def test_a_coco_image_without_lvis_objects_counts(both):
    path = both / "lvis_v1_train.json"
    content = json.loads(path.read_text())
    content["annotations"] = content["annotations"][2:]
    path.write_text(json.dumps(content))
    images = sources(both)
    assert len(images) == 3
    assert len(images[0].masks) == 3


def test_stuff_is_added_to_a_share_of_the_images(both):
    stuff = both / "stuff.json"
    content = json.loads((both / "instances.json").read_text())
    ground = np.zeros((60, 80), bool)
    ground[50:] = True
    content["annotations"] = [
        {**content["annotations"][0], "image_id": image, "segmentation": to_rle(ground), "area": 800}
        for image in (1, 2, 3)
    ]
    stuff.write_text(json.dumps(content))
    for share, count in ((0.0, 4), (1.0, 5)):
        images = sources(both, stuff=stuff, stuff_probability=share)
        assert [len(images[i].masks) for i in range(3)] == [count] * 3


def test_saliency_folders(tmp_path):
    flat, nested = write_saliency(tmp_path / "duts"), write_saliency(tmp_path / "fss", nested=True)
    images = SalientImages([flat, nested], repeat=[1, 5])
    assert len(images) == 3 + 15
    sample = images[0]
    assert sample.masks.shape == (1, 50, 70)
    assert sample.masks[0, 25, 30]
    assert not sample.masks[0, 0, 0]
    assert len(SalientImages(flat)) == 3


def test_saliency_mistakes(tmp_path):
    write_saliency(tmp_path)
    save_image(tmp_path / "1.png", np.zeros((9, 9), np.uint8))
    with pytest.raises(ValueError, match=r"1\.png: size \(9, 9\)"):
        SalientImages(tmp_path)[1]
    (tmp_path / "2.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"no mask .*2\.png"):
        SalientImages(tmp_path)
    with pytest.raises(ValueError, match="repeat of 1 or more"):
        SalientImages([tmp_path], repeat=[1, 2])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no images"):
        SalientImages(tmp_path / "empty")


def test_an_empty_saliency_mask_is_no_object(tmp_path):
    write_saliency(tmp_path)
    save_image(tmp_path / "0.png", np.zeros((50, 70), np.uint8))
    assert SalientImages(tmp_path)[0].masks.shape == (0, 50, 70)
