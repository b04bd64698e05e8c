"""Tiny training sets in their real layouts on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from civos_siaf.masks import to_rle, write_png


def textured(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """A smooth image (H, W, 3), so that JPEG keeps it."""
    small = rng.integers(30, 226, size=(4, 5, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BILINEAR))


def moving_objects(
    rng: np.random.Generator, num_frames: int, height: int, width: int, num_objects: int = 2
) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]]:
    """Images and labels of a video with moving discs, object 1 hindmost."""
    back = textured(rng, height, width)
    y, x = np.mgrid[:height, :width]
    starts = rng.uniform(0.25, 0.75, size=(num_objects, 2)) * (height, width)
    speeds = rng.uniform(-1, 1, size=(num_objects, 2)) * 0.3 * np.array((height, width)) / num_frames
    images, maps = [], []
    for t in range(num_frames):
        image, labels = back.copy(), np.zeros((height, width), np.uint8)
        for k in range(num_objects):
            cy, cx = starts[k] + t * speeds[k]
            inside = (y - cy) ** 2 + (x - cx) ** 2 <= (min(height, width) / 5) ** 2
            labels[inside] = k + 1
            image[inside] = (40 + 60 * k, 200 - 70 * k, 90)
        images.append(image)
        maps.append(labels)
    return images, maps


def save_image(path: Path, image: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def write_davis(
    root: Path,
    *,
    videos: Sequence[str] = ("bear", "bus"),
    num_frames: int = 8,
    size: tuple[int, int] = (48, 80),
    num_objects: int = 2,
    year: int = 2017,
    resolution: str = "480p",
    split: str = "train",
) -> Path:
    """DAVIS; with year 2016 masks are 0 and 255."""
    for number, name in enumerate(videos):
        images, maps = moving_objects(np.random.default_rng(number), num_frames, *size, num_objects)
        for t, (image, labels) in enumerate(zip(images, maps, strict=True)):
            save_image(root / "JPEGImages" / resolution / name / f"{t:05d}.jpg", image)
            labels = np.where(labels > 0, 255, 0).astype(np.uint8) if year == 2016 else labels
            write_png(root / "Annotations" / resolution / name / f"{t:05d}.png", labels)
    listing = root / "ImageSets" / str(year) / f"{split}.txt"
    listing.parent.mkdir(parents=True, exist_ok=True)
    listing.write_text("".join(f"{name}\n" for name in videos))
    return root


def write_youtubevos(
    root: Path,
    *,
    videos: Sequence[str] = ("003234408d", "0043f083b5"),
    num_frames: int = 8,
    size: tuple[int, int] = (48, 80),
    split: str = "train",
) -> Path:
    """YouTube-VOS: every fifth frame; meta.json names each object's frames."""
    meta: dict[str, object] = {}
    for number, name in enumerate(videos):
        images, maps = moving_objects(np.random.default_rng(10 + number), num_frames, *size)
        frames: dict[int, list[str]] = {1: [], 2: []}
        for t, (image, labels) in enumerate(zip(images, maps, strict=True)):
            stem = f"{5 * t:05d}"
            save_image(root / split / "JPEGImages" / name / f"{stem}.jpg", image)
            write_png(root / split / "Annotations" / name / f"{stem}.png", labels)
            for value, stems in frames.items():
                if (labels == value).any():
                    stems.append(stem)
        meta[name] = {"objects": {str(k): {"category": "disc", "frames": v} for k, v in frames.items()}}
    (root / split / "meta.json").write_text(json.dumps({"videos": meta}))
    return root


def write_bl30k(
    root: Path,
    *,
    videos: Sequence[str] = ("0000", "0001"),
    num_frames: int = 12,
    size: tuple[int, int] = (48, 72),
) -> Path:
    """BL30K: JPEGImages/<video>, Annotations/<video>, three objects."""
    for number, name in enumerate(videos):
        images, maps = moving_objects(np.random.default_rng(20 + number), num_frames, *size, 3)
        for t, (image, labels) in enumerate(zip(images, maps, strict=True)):
            save_image(root / "JPEGImages" / name / f"{t:05d}.jpg", image)
            write_png(root / "Annotations" / name / f"{t:05d}.png", labels)
    return root


def square(x: int, y: int, side: int) -> list[list[float]]:
    """A square polygon whose pixels are x..x+side-1, y..y+side-1."""
    far_x, far_y = x + side, y + side
    return [[float(v) for v in (x, y, far_x, y, far_x, far_y, x, far_y)]]


def annotation(number: int, image: int, segmentation: object, box: Sequence[float]) -> dict[str, object]:
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "segmentation": segmentation,
        "bbox": list(box),
        "area": box[2] * box[3],
        "iscrowd": 0,
    }


def write_coco(
    root: Path, *, num_images: int = 3, size: tuple[int, int] = (60, 80), extra: Mapping[str, object] = {}
) -> Path:
    """COCO: images/<12 digits>.jpg and instances.json; per image two squares, a run-length disc and a crowd.

    The squares are 20 x 20 at (5, 5) and 12 x 12 at (15, 15), which overlap.
    """
    rng = np.random.default_rng(30)
    height, width = size
    infos, notes = [], []
    y, x = np.mgrid[:height, :width]
    disc = (y - 40) ** 2 + (x - 55) ** 2 <= 14**2
    runs = np.diff(np.flatnonzero(np.diff(np.r_[0, disc.ravel("F"), 0])), prepend=0).tolist()
    plain = {"size": [height, width], "counts": [*runs, int(disc.size - sum(runs))]}
    for image in range(1, num_images + 1):
        name = f"{image:012d}.jpg"
        save_image(root / "images" / name, textured(rng, height, width))
        infos.append({"id": image, "file_name": name, "height": height, "width": width})
        shapes = [
            (square(5, 5, 20), (5, 5, 20, 20)),
            (square(15, 15, 12), (15, 15, 12, 12)),
            (to_rle(disc) if image % 2 else plain, (41, 26, 29, 29)),
        ]
        for shape, box in shapes:
            notes.append({**annotation(len(notes) + 1, image, shape, box), **extra})
        crowd = annotation(len(notes) + 1, image, to_rle(~disc), (0, 0, width, height))
        notes.append({**crowd, "iscrowd": 1})
    content = {"info": {"year": 2017}, "images": infos, "annotations": notes, "categories": [{"id": 1}]}
    (root / "instances.json").write_text(json.dumps(content))
    return root


def write_lvis(root: Path, *, num_images: int = 3, size: tuple[int, int] = (60, 80)) -> Path:
    """LVIS v1: lvis_v1_train.json whose images have addresses, in images/train2017; no iscrowd.

    Of the squares of `write_coco` it has the first; another, 18 x 18, is at (50, 2).
    """
    rng = np.random.default_rng(30)
    height, width = size
    infos, notes = [], []
    for image in range(1, num_images + 1):
        name = f"{image:012d}.jpg"
        save_image(root / "images" / "train2017" / name, textured(rng, height, width))
        address = f"http://images.cocodataset.org/train2017/{name}"
        infos.append({"id": image, "coco_url": address, "height": height, "width": width})
        for x, y, side in ((5, 5, 20), (50, 2, 18)):
            note = annotation(len(notes) + 1, image, square(x, y, side), (x, y, side, side))
            del note["iscrowd"]
            notes.append(note)
    content = {"images": infos, "annotations": notes, "categories": []}
    (root / "lvis_v1_train.json").write_text(json.dumps(content, indent=1))
    return root


def write_saliency(root: Path, *, num_images: int = 3, nested: bool = False) -> Path:
    """Saliency pictures <name>.jpg with <name>.png of 0 and 255; nested: in folders of classes, as FSS."""
    rng = np.random.default_rng(40)
    for number in range(num_images):
        height, width = 50 + 2 * number, 70 - number
        folder = root / f"class{number % 2}" if nested else root
        y, x = np.mgrid[:height, :width]
        inside = (y - 25) ** 2 + (x - 30) ** 2 <= 15**2
        save_image(folder / f"{number}.jpg", textured(rng, height, width))
        save_image(folder / f"{number}.png", np.where(inside, 255, 0).astype(np.uint8))
    return root
