"""DAVIS and YouTube-VOS, read by PIL alone."""

import json

import numpy as np
from PIL import Image

from civos_siaf.app.exports import export
from civos_siaf.benchmark.dataset import DavisDataset
from tests.app.exports.fakes import FakeAnnotation


def values(path):
    with Image.open(path) as image:
        assert image.mode == "P"
        assert image.getpalette()[3:6] == [128, 0, 0]
        return np.array(image)


def test_davis(annotation, tmp_path):
    seen = []
    folder = export(
        annotation, "davis", tmp_path / "out", progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(t, 4) for t in range(1, 5)]
    files = sorted((folder / "Annotations" / "480p" / "clip").iterdir())
    assert [file.name for file in files] == [f"{t:05d}.png" for t in range(4)]
    for file, labels in zip(files, annotation.video, strict=True):
        np.testing.assert_array_equal(values(file), labels)
    assert not (folder / "JPEGImages").exists()


def test_our_benchmark_opens_the_davis_export(annotation, tmp_path):
    folder = export(annotation, "davis", tmp_path / "out", options={"images": True})
    dataset = DavisDataset(folder)
    assert dataset.sequences == ["clip"]
    np.testing.assert_array_equal(np.stack(list(dataset.annotations("clip"))), annotation.video)


def test_youtube_vos(annotation, tmp_path):
    folder = export(annotation, "youtube_vos", tmp_path / "out", options={"every": 2})
    masks = sorted((folder / "Annotations" / "clip").iterdir())
    assert [mask.name for mask in masks] == ["00000.png", "00002.png"]
    for mask, t in zip(masks, (0, 2), strict=True):
        np.testing.assert_array_equal(values(mask), annotation.video[t])
    images = sorted((folder / "JPEGImages" / "clip").iterdir())
    assert len(images) == 4
    for image, frame in zip(images, annotation.frames, strict=True):
        with Image.open(image) as opened:
            assert np.abs(np.array(opened, float) - frame).mean() < 3
    objects = json.loads((folder / "meta.json").read_text())["videos"]["clip"]["objects"]
    assert objects == {
        "1": {"category": "object 1", "frames": ["00000", "00002"]},
        "2": {"category": "object 2", "frames": ["00000"]},
        "3": {"category": "object 3", "frames": ["00000"]},
    }


def test_254_objects(tmp_path):
    video = np.arange(1, 255, dtype=np.uint8).reshape(1, 2, 127)
    folder = export(FakeAnnotation(video), "davis", tmp_path / "out")
    np.testing.assert_array_equal(values(folder / "Annotations/480p/clip/00000.png"), video[0])
