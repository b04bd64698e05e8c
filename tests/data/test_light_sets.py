import json
import shutil

import numpy as np
import pytest
from PIL import Image

from civos_siaf.benchmark.noc_data import CocoSamples
from civos_siaf.data.coco import CocoImages
from civos_siaf.data.light_sets import PAGES, LightSets
from civos_siaf.data.light_sets.cars import whole_car
from civos_siaf.data.light_sets.davis import TRAIN, VALIDATION
from civos_siaf.data.light_sets.writer import JOURNAL
from civos_siaf.data.videos import DavisVideos
from civos_siaf.masks import read_png
from civos_siaf.masks.coco import decode_segmentation
from tests.data.layouts import write_coco, write_davis, write_lvis
from tests.data.original_layouts import write_bsds500, write_cars, write_clothing, write_whole_coco


def made(tmp_path, **options):
    """The folder of the sets, all written."""
    sets = LightSets(out=tmp_path / "out", **options)
    list(sets.write())
    return sets.out


def content(folder, name="instances.json"):
    return json.loads((folder / name).read_text())


def masks_of(found, number):
    """Masks of image `number`, in the file's order."""
    info = next(info for info in found["images"] if info["id"] == number)
    entries = [entry for entry in found["annotations"] if entry["image_id"] == number]
    return [decode_segmentation(entry["segmentation"], info["height"], info["width"]) for entry in entries]


@pytest.mark.parametrize("year", [2016, 2017])
def test_davis_becomes_240p_with_one_object(tmp_path, year):
    root = write_davis(tmp_path / "d", videos=[*TRAIN[:3], "dog"], num_frames=2, size=(48, 80), year=year)
    out = made(tmp_path, davis=root, limit=3)
    videos = DavisVideos(out / "davis2016", year=2016, resolution="240p")
    assert videos.names == list(TRAIN[:3])
    assert (out / "davis2016" / "ImageSets" / "2016" / "val_dev.txt").read_text() == "dog\n"
    with Image.open(out / "davis2016" / "JPEGImages" / "240p" / "bear" / "00001.jpg") as image:
        assert image.size == (400, 240)
    before = read_png(root / "Annotations" / "480p" / "bear" / "00001.png") > 0
    after = read_png(out / "davis2016" / "Annotations" / "240p" / "bear" / "00001.png")
    assert set(np.unique(after)) == {0, 1}
    assert abs(after.mean() - before.mean()) < 0.01
    assert set(VALIDATION).isdisjoint(TRAIN)


def test_a_davis_without_the_training_sequences_is_refused(tmp_path):
    root = write_davis(tmp_path / "d", videos=TRAIN[1:], num_frames=1, year=2016)
    with pytest.raises(FileNotFoundError, match=r"davis=.*; bear missing; get it from https://davis"):
        made(tmp_path, davis=root)
    assert not (tmp_path / "out").exists()


def test_masks_hold_pixels_that_are_at_least_half_object(tmp_path):
    root = write_davis(
        tmp_path / "d", videos=TRAIN[:1], num_frames=1, size=(480, 32), num_objects=1, year=2016
    )
    out = made(tmp_path, davis=root, limit=1)
    name = "Annotations/{}/bear/00000.png"
    large = read_png(root / name.format("480p")).reshape(240, 2, 16, 2) > 0
    small = read_png(out / "davis2016" / name.format("240p"))
    assert np.array_equal(small == 1, large.sum(axis=(1, 3)) >= 2)


def test_whole_coco_is_split_and_made_smaller(tmp_path):
    root = write_whole_coco(tmp_path / "whole", write_coco(tmp_path / "c", size=(60, 80)))
    out = made(tmp_path, coco=[root], longer_side=40)
    train = content(out / "coco")
    assert [info["file_name"] for info in train["images"]] == ["000000000001.jpg", "000000000002.jpg"]
    assert {(info["height"], info["width"]) for info in train["images"]} == {(30, 40)}
    assert len(train["annotations"]) == 6, "crowds are left out"
    first, second, disc = masks_of(train, 1)
    assert abs(int(first.sum()) - 100) <= 25
    assert abs(int(disc.sum()) - np.pi * 7**2) < 12
    assert second.any()
    assert train["categories"] == [{"id": 1, "name": "thing"}]
    assert len(CocoImages(out / "coco" / "instances.json", out / "coco" / "images")) == 2
    samples = CocoSamples(out / "coco_val" / "instances.json", out / "coco_val" / "images")
    assert len(samples) == 3
    assert next(iter(samples)).image.shape == (30, 40, 3)


def test_lvis_and_reduced_copies_are_merged_and_validation_is_no_training(tmp_path):
    lvis = write_lvis(tmp_path / "lvis")
    reduced = write_coco(tmp_path / "tiny", num_images=2)
    found = content(reduced)
    for number, info in enumerate(found["images"]):
        old = reduced / "images" / info["file_name"]
        info |= {"coco_split": ("train2017", "val2017")[number], "file_name": f"9{number}.jpg"}
        old.rename(old.with_name(info["file_name"]))
    found["categories"] = [{"id": 1, "name": "other"}]
    (reduced / "instances.json").write_text(json.dumps(found))
    lists = content(lvis, "lvis_v1_train.json")
    lists["categories"] = [{"id": 1, "name": "thing"}]
    (lvis / "lvis_v1_train.json").write_text(json.dumps(lists))
    out = made(tmp_path, coco=[lvis, reduced])
    train, val = content(out / "coco"), content(out / "coco_val")
    assert [info["file_name"] for info in train["images"]][3:] == ["90.jpg"]
    assert [info["file_name"] for info in val["images"]] == ["91.jpg"]
    assert [entry["name"] for entry in train["categories"]] == ["thing", "other"]
    last = [entry for entry in train["annotations"] if entry["image_id"] == 4]
    assert {entry["category_id"] for entry in last} == {train["categories"][1]["id"]} == {2}
    with pytest.raises(ValueError, match=r"000000000001\.jpg is in two roots"):
        made(tmp_path, coco=[lvis, lvis])


def test_bsds500_has_three_drawings_without_grabcut(tmp_path):
    root = write_bsds500(tmp_path / "b")
    (tmp_path / "grabcut.txt").write_text("102.bmp\n")
    out = made(tmp_path, bsds500=root, grabcut=tmp_path / "grabcut.txt", longer_side=60)
    found = content(out / "bsds500", "regions.json")
    assert [info["file_name"] for info in found["images"]] == ["train/101.jpg"]
    indices = [entry["segmentation_index"] for entry in found["annotations"]]
    assert indices == [0, 0, 1, 1, 1, 2, 2, 2]
    assert [int(mask.sum()) for mask in masks_of(found, 1)[:2]] == [1200, 1200]
    images = CocoImages(
        out / "bsds500" / "regions.json", out / "bsds500" / "images", group_by="segmentation_index"
    )
    assert [len(images[index].masks) for index in range(3)] == [2, 3, 3]


def test_people_are_whole_and_clothing_is_in_pieces(tmp_path):
    out = made(tmp_path, clothing=write_clothing(tmp_path / "c"))
    people, pieces = content(out / "people"), content(out / "clothing")
    assert len(people["images"]) == len(people["annotations"]) == 2
    assert masks_of(people, 1)[0].sum() == 20 * 20 + 50 * 30
    assert [entry["name"] for entry in pieces["annotations"][:2]] == ["shirt", "hair"]
    assert [int(mask.sum()) for mask in masks_of(pieces, 2)] == [50 * 30, 20 * 20]


def test_cars_are_whole_or_left_out(tmp_path):
    out = made(tmp_path, cars=write_cars(tmp_path / "c"))
    found = content(out / "cars")
    assert [info["file_name"] for info in found["images"]] == ["train_train1.jpg", "test_te1.jpg"]
    assert [info["split"] for info in found["images"]] == ["train", "test"]
    assert masks_of(found, 1)[0][25:35, 20:64].all(), "the gap between the parts is closed"
    assert {entry["category_id"] for entry in found["annotations"]} == {100}


def test_a_car_that_is_hollow_or_in_pieces_is_none():
    ring = np.zeros((80, 80), bool)
    ring[10:70, 10:70] = True
    assert whole_car(ring).sum() == ring.sum()
    ring[20:60, 20:60] = False
    assert whole_car(ring) is None
    assert whole_car(np.zeros((80, 80), bool)) is None
    apart = np.zeros((80, 80), bool)
    apart[10:20], apart[50:60] = True, True
    assert whole_car(apart) is None


def test_a_stopped_run_goes_on_and_a_finished_one_stays(tmp_path):
    root = write_coco(tmp_path / "c")
    sets = LightSets(out=tmp_path / "out", coco=[root])
    steps = sets.write()
    assert [next(steps).done for _ in range(2)] == [0, 1]
    steps.close()
    folder = tmp_path / "out" / "coco"
    assert not (folder / "instances.json").exists()
    with (folder / JOURNAL).open("a") as file:
        file.write('{"image": nul')  # cut off
    first = next((folder / "images").iterdir())
    first.write_bytes(b"not made again")
    assert [step.done for step in sets.write()] == [1, 2, 3]
    assert first.read_bytes() == b"not made again"
    whole = made(tmp_path / "at once", coco=[root])
    name = "000000000003.jpg"
    assert (folder / "images" / name).read_bytes() == (root / "images" / name).read_bytes()
    assert (whole / "coco" / "instances.json").read_bytes() == (folder / "instances.json").read_bytes()
    assert not (folder / JOURNAL).exists()
    assert [(step.done, step.there) for step in sets.write()] == [(3, True)]


def test_other_settings_and_other_files_are_refused(tmp_path):
    root = write_coco(tmp_path / "c")
    out = made(tmp_path, coco=[root])
    with pytest.raises(ValueError, match=r"longer_side: 480 there, 40 now\); remove .*coco"):
        made(tmp_path, coco=[root], longer_side=40)
    shutil.copy(root / "instances.json", out / "coco" / "instances.json")
    with pytest.raises(ValueError, match=r"instances\.json: was not made by"):
        made(tmp_path, coco=[root])
    for options, message in (
        ({"longer_side": 3}, "longer_side must be 16 or more, got 3"),
        ({"quality": 0}, "quality must be 1 to 95, got 0"),
        ({"limit": 0}, "limit must be 1 or more, got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            made(tmp_path, coco=[root], **options)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_wrong_root_names_the_page(tmp_path, name):
    (tmp_path / "empty").mkdir()
    page = PAGES[name].split(" ")[0]
    for root in (tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(FileNotFoundError) as raised:
            made(tmp_path, **{name: [root] if name == "coco" else root})
        assert f"{name}={root}: " in str(raised.value)
        assert page in str(raised.value)


def test_damaged_drawings_and_missing_photos_are_named(tmp_path):
    root = write_clothing(tmp_path / "c")
    (root / "photos" / "0002.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"0002\.mat: no photo .*0002\.jpg"):
        made(tmp_path, clothing=root)
    bsds500 = write_bsds500(tmp_path / "b")
    (bsds500 / "BSR/BSDS500/data/groundTruth/test/102.mat").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"102\.mat: not a readable \.mat file"):
        made(tmp_path, bsds500=bsds500)


def test_nothing_given_lists_the_pages_and_weights_are_copied(tmp_path):
    with pytest.raises(ValueError, match="Get at least one: davis=: https://davischallenge"):
        made(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"weights=.*: no such file"):
        made(tmp_path, coco=[tmp_path], weights=tmp_path / "none")
    (tmp_path / "start").write_bytes(b"weights")
    out = made(tmp_path, coco=[write_coco(tmp_path / "c")], weights=tmp_path / "start")
    assert (out / "weights" / "mobilenetv2_100_seg_init.safetensors").read_bytes() == b"weights"
