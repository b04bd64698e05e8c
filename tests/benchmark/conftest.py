import json
import shutil

import numpy as np
import pytest
from PIL import Image

from civos_siaf.benchmark import DavisDataset
from civos_siaf.benchmark.dataset import mini_root
from civos_siaf.masks import write_png


@pytest.fixture
def mini():
    return DavisDataset()


@pytest.fixture
def mini_copy(tmp_path):
    """A copy of the small data set that a test may spoil."""
    shutil.copytree(mini_root(), tmp_path / "DAVIS")
    return tmp_path / "DAVIS"


def make_sequence(root, name, truth, *, scribbles=0, resolution="480p", year="2017", split="val"):
    """Write a sequence with these labels (T, H, W) in the DAVIS layout."""
    for t, labels in enumerate(truth):
        image = np.stack([labels * 60, labels * 90 + 20, np.full_like(labels, 99)], axis=2)
        path = root / "JPEGImages" / resolution / name / f"{t:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
        write_png(root / "Annotations" / resolution / name / f"{t:05d}.png", labels)
    for number in range(1, scribbles + 1):
        lines = [[] for _ in truth]
        lines[number - 1] = [
            {"path": [[0.1, 0.2], [0.3, 0.4]], "object_id": 1, "start_time": 0, "end_time": 1}
        ]
        path = root / "Scribbles" / name / f"{number:03d}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"scribbles": lines, "sequence": name}))
    listing = root / "ImageSets" / year / f"{split}.txt"
    listing.parent.mkdir(parents=True, exist_ok=True)
    listing.write_text((listing.read_text() if listing.exists() else "") + name + "\n")


@pytest.fixture
def moving_squares():
    """Two squares (T=9, 40x60) of which the second enters late."""
    truth = np.zeros((9, 40, 60), np.uint8)
    for t in range(9):
        truth[t, 5:20, 2 + 3 * t : 17 + 3 * t] = 1
        if t >= 3:
            truth[t, 24:36, 40 - t : 52 - t] = 2
    return truth
