"""The scripts beside trainings and evaluations: strokes of a whole data set, and where attention looks."""

import json

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from civos_siaf.benchmark import scribbles
from civos_siaf.networks.afi.variants import VARIANTS
from tests.data.layouts import write_youtubevos


def test_strokes_of_youtubevos_are_files_as_davis_has_them(script, tmp_path):
    root = write_youtubevos(tmp_path / "YouTube-VOS", num_frames=4, size=(64, 96))
    done = script("make_scribbles.py", "youtubevos", root, "--count", 2)
    assert done.returncode == 0, done.stderr
    files = sorted((root / "Scribbles").rglob("*.json"))
    assert f"{len(files)} files written below {root / 'Scribbles'}" in done.stdout
    meta = json.loads((root / "train" / "meta.json").read_text())["videos"]
    assert {path.parent.name for path in files} == meta.keys()
    for path in files:
        assert path.name in ("001.json", "002.json")
        drawn = scribbles.load(path, sequence=path.parent.name, num_frames=4)
        assert len(scribbles.annotated_frames(drawn)) == 1
    missing = script("make_scribbles.py", "youtubevos", tmp_path / "absent")
    assert missing.returncode == 1
    assert missing.stderr.splitlines()[-1].startswith("error: no YouTube-VOS list at ")


@pytest.fixture
def afi(tmp_path):
    """Weights of a small network as a training leaves them."""
    path = tmp_path / "weights.safetensors"
    save_file(VARIANTS["afi-light"]().state_dict(), path)
    return path


def test_attention_is_drawn_over_the_frames(script, tmp_path, afi):
    rng = np.random.default_rng(0)
    for number in range(2):
        Image.fromarray(rng.integers(0, 255, (70, 100, 3), np.uint8)).save(tmp_path / f"{number}.png")
    command = ("attention_maps.py", "afi-light", afi, "0.png", "1.png", "--device", "cpu")
    done = script(*command, "--point", 50, 30, "--frame", 1)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "written: attention.png\n"
    with Image.open(tmp_path / "attention.png") as picture:
        assert picture.size == (2 * 96, 64)  # both side by side, in multiples of the stride
        pixels = np.array(picture)
    crosses = (pixels == (0, 255, 0)).all(axis=2)
    rows, columns = crosses[:, 96:].nonzero()
    assert not crosses[:, :96].any()
    assert (rows.mean(), columns.mean()) == pytest.approx((30 * 64 / 70, 50 * 96 / 100), abs=1)
    outside = script(*command, "--point", 100, 30)
    assert outside.returncode == 1
    assert outside.stderr.splitlines() == [
        "error: --point 100 30 --frame 0: there are 2 images of 100x70 pixels"
    ]
