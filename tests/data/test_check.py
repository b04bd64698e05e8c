import json

import numpy as np
import pytest

from civos_siaf.data.check_images import check_coco, check_saliency
from civos_siaf.data.check_summary import summarise_data
from civos_siaf.data.check_videos import check_bl30k, check_davis, check_youtubevos
from civos_siaf.masks import write_png
from tests.data.layouts import (
    write_bl30k,
    write_coco,
    write_davis,
    write_lvis,
    write_saliency,
    write_youtubevos,
)


def said(parts):
    return [str(problem) for problem in summarise_data(parts).problems]


def spoil(path):
    """Cut a file short."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_sound_sets_have_no_problems(tmp_path):
    davis = summarise_data(check_davis(write_davis(tmp_path / "d")))
    assert (davis.checked, davis.images, davis.masks, davis.objects) == (2, 16, 16, 4)
    assert davis.sizes == {(48, 80): 16}
    coco = write_coco(tmp_path / "c")
    lvis = write_lvis(tmp_path / "l")
    # Videos or images, images, masks, objects, as `tests.data.layouts` writes them.
    for parts, counts in (
        (check_davis(write_davis(tmp_path / "e", year=2016), year=2016), (2, 16, 16, 2)),
        (check_youtubevos(write_youtubevos(tmp_path / "y")), (2, 16, 16, 4)),
        (check_bl30k(write_bl30k(tmp_path / "b")), (2, 24, 24, 6)),
        (check_saliency(write_saliency(tmp_path / "s")), (3, 3, 3, 3)),
        (check_saliency(write_saliency(tmp_path / "f", nested=True)), (3, 3, 3, 3)),
        (check_coco(coco / "instances.json", coco / "images"), (3, 3, 12, 9)),  # a crowd is no object
        (check_coco(lvis / "lvis_v1_train.json", lvis / "images"), (3, 3, 6, 6)),
    ):
        summary = summarise_data(parts)
        assert summary.problems == []
        assert (summary.checked, summary.images, summary.masks, summary.objects) == counts
        assert summary.empty == 0
        assert sum(summary.sizes.values()) == summary.images
        assert dict(summary.rows())["problems"] == "0"


def test_progress_knows_the_total(tmp_path):
    parts = list(check_davis(write_davis(tmp_path)))
    assert [part.total for part in parts] == [2, 2]
    assert [part.name for part in check_davis(tmp_path, limit=1)] == ["bear"]


def test_damaged_and_missing_files(tmp_path):
    write_davis(tmp_path)
    images, masks = (tmp_path / kind / "480p" for kind in ("JPEGImages", "Annotations"))
    spoil(images / "bear/00002.jpg")
    spoil(masks / "bear/00003.png")
    (images / "bear/00004.jpg").unlink()
    (masks / "bus/00005.png").unlink()
    write_png(masks / "bus/00006.png", np.ones((9, 9), np.uint8))
    found = said(check_davis(tmp_path))
    assert len(found) == 5
    for part, text in [
        ("bear/00002.jpg", "not a readable image"),
        ("bear/00003.png", "not a readable PNG"),
        ("bear/00004.png", "no image of this name"),
        ("bus/00005.jpg", "no mask of this name"),
        ("bus/00006.png", "size (9, 9), its image has (48, 80)"),
    ]:
        assert any(part in line and text in line for line in found), (part, found)


def test_a_missing_video_and_one_without_objects(tmp_path):
    write_davis(tmp_path)
    (tmp_path / "ImageSets/2017/val.txt").write_text("cow\n")
    for path in (tmp_path / "Annotations/480p/bear").iterdir():
        write_png(path, np.zeros((48, 80), np.uint8))
    found = said(check_davis(tmp_path))
    assert any("JPEGImages/480p/cow: no such folder" in line for line in found)
    assert any("bear: no object in any frame" in line for line in found)
    assert summarise_data(check_davis(tmp_path, split="train")).empty == 8
    with pytest.raises(FileNotFoundError, match="no lists of sequences"):
        list(check_davis(tmp_path, year=2016))


def test_the_wrong_year(tmp_path):
    write_davis(tmp_path / "b", year=2016)
    (tmp_path / "b/ImageSets/2017").mkdir()
    (tmp_path / "b/ImageSets/2017/train.txt").write_text("bear\n")
    assert "year=2016" in said(check_davis(tmp_path / "b"))[0]
    write_davis(tmp_path / "c")
    (tmp_path / "c/ImageSets/2016").mkdir()
    (tmp_path / "c/ImageSets/2016/train.txt").write_text("bear\n")
    assert "year=2017" in said(check_davis(tmp_path / "c", year=2016))[0]


def test_youtubevos_against_its_list(tmp_path):
    write_youtubevos(tmp_path)
    path = tmp_path / "train/meta.json"
    meta = json.loads(path.read_text())
    objects = meta["videos"]["003234408d"]["objects"]
    objects["1"]["frames"].append("00999")
    del objects["2"]
    del meta["videos"]["0043f083b5"]
    path.write_text(json.dumps(meta))
    found = said(check_youtubevos(tmp_path))
    assert len(found) == 3
    assert "00999.png: named in meta.json, but missing" in found[0]
    assert "objects [2] are not in meta.json" in found[1]
    assert "0043f083b5: video is not in meta.json" in found[2]


def test_coco_annotations(tmp_path):
    root = write_coco(tmp_path)
    path = root / "instances.json"
    content = json.loads(path.read_text())
    notes = content["annotations"]
    notes[0]["segmentation"] = [[0, 0, 5, 5]]
    notes[1]["segmentation"] = [[0, 0, 500, 0, 500, 500]]
    notes[2]["segmentation"]["size"] = [60, 81]
    notes[4]["segmentation"] = {"size": [60, 80], "counts": None}
    notes[5]["image_id"] = 77
    notes[6]["segmentation"] = [[3.1, 3.1, 3.2, 3.1, 3.2, 3.2]]
    path.write_text(json.dumps(content))
    spoil(root / "images/000000000002.jpg")
    (root / "images/000000000003.jpg").unlink()
    found = said(check_coco(path, root / "images"))
    for text in (
        "77",
        "annotation 1: no polygon that encloses anything",
        "annotation 2: a corner lies 440.0 pixels outside",
        "annotation 3: run lengths of size [60, 81]",
        "annotation 5: segmentation cannot be decoded",
        "annotation 7: covers no pixel",
        "000000000002.jpg: not a readable image",
        "no image at",
    ):
        assert any(text in line for line in found), (text, found)
    assert len(found) == 8
    notes[0].pop("image_id")
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="not a COCO"):
        list(check_coco(path, root / "images"))


def test_saliency(tmp_path):
    write_saliency(tmp_path, num_images=5)
    (tmp_path / "0.png").unlink()
    (tmp_path / "1.jpg").unlink()
    write_png(tmp_path / "2.png", np.zeros((54, 68), np.uint8))
    write_png(tmp_path / "3.png", np.full((5, 5), 255, np.uint8))
    found = said(check_saliency(tmp_path))
    assert len(found) == 5
    for text in ("no mask at", "no image at", "no pixel above 127", "size (5, 5)", "no pixel above"):
        assert any(text in line for line in found), (text, found)
