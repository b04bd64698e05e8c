"""Tiny data sets in the layouts in which BSDS500, clothing co-parsing and car parts are downloaded."""

import json
from pathlib import Path

import numpy as np
from scipy.io import savemat

from tests.data.layouts import annotation, save_image, square, textured


def write_bsds500(root: Path, *, size: tuple[int, int] = (80, 120)) -> Path:
    """BSR/BSDS500/data: images 101 (train) and 102 (test), with four drawings; the first is of two halves."""
    data, rng = root / "BSR" / "BSDS500" / "data", np.random.default_rng(1)
    for split, name in (("train", "101"), ("test", "102")):
        save_image(data / "images" / split / f"{name}.jpg", textured(rng, *size))
        cells = np.empty((1, 4), object)
        for number in range(4):
            labels = np.ones(size, np.uint16)
            labels[:, size[1] // 2 :] = 2
            labels[: 10 * number, :20] = 3
            cells[0, number] = {"Segmentation": labels, "Boundaries": np.zeros(size, np.uint8)}
        folder = data / "groundTruth" / split
        folder.mkdir(parents=True)
        savemat(folder / f"{name}.mat", {"groundTruth": cells})
    return root


def write_clothing(root: Path) -> Path:
    """photos/0001.jpg to 0003.jpg, the first two of which have pixel-level annotations: a shirt and hair."""
    rng = np.random.default_rng(2)
    folder = root / "annotations" / "pixel-level"
    folder.mkdir(parents=True)
    for number in (1, 2, 3):
        save_image(root / "photos" / f"{number:04d}.jpg", textured(rng, 90, 60))
        labels = np.zeros((90, 60), np.uint8)
        labels[10:30, 20:40] = 2
        labels[30:80, 15:45] = 1
        if number < 3:
            savemat(folder / f"{number:04d}.mat", {"groundtruth": labels})
    names = np.empty((1, 3), object)
    names[0] = ["null", "shirt", "hair"]
    savemat(root / "label_list.mat", {"label_list": names})
    return root


def write_cars(root: Path) -> Path:
    """trainingset and testset with a car each, of two parts 4 pixels apart; train2.jpg has no whole car."""
    rng = np.random.default_rng(3)
    for folder, names in (("trainingset", ("train1.jpg", "train2.jpg")), ("testset", ("te1.jpg",))):
        infos, notes = [], []
        for number, name in enumerate(names, 1):
            save_image(root / folder / "JPEGImages" / name, textured(rng, 100, 100))
            path = f"JPEGImages/{name}"
            infos.append({"id": number, "file_name": name, "path": path, "height": 100, "width": 100})
            corners = ((20, 20), (44, 20)) if name != "train2.jpg" else ((10, 10), (70, 70))
            for part, (x, y) in enumerate(corners, 2):
                note = annotation(len(notes) + 1, number, square(x, y, 20), (x, y, 20, 20))
                notes.append({**note, "category_id": part})
            whole = annotation(len(notes) + 1, number, square(0, 0, 100), (0, 0, 100, 100))
            notes.append({**whole, "category_id": 1})
        categories = [
            {"id": 1, "name": "_background_"},
            {"id": 2, "name": "hood"},
            {"id": 3, "name": "wheel"},
        ]
        content = {"images": infos, "annotations": notes, "categories": categories}
        (root / folder / "annotations.json").write_text(json.dumps(content))
    return root


def write_whole_coco(root: Path, coco: Path) -> Path:
    """annotations/instances_{train,val}2017.json with train2017/ and val2017/, from a set of `write_coco`."""
    content = json.loads((coco / "instances.json").read_text())
    categories = [{"id": 1, "name": "thing"}]
    for split, numbers in (("train2017", (1, 2)), ("val2017", (3,))):
        images = [info for info in content["images"] if info["id"] in numbers]
        notes = [note for note in content["annotations"] if note["image_id"] in numbers]
        for info in images:
            target = root / split / info["file_name"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((coco / "images" / info["file_name"]).read_bytes())
        path = root / "annotations" / f"instances_{split}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"images": images, "annotations": notes, "categories": categories}))
    return root
