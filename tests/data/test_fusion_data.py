import cv2
import numpy as np
import pytest
import torch

from civos_siaf.data import fusion_data
from civos_siaf.data.colour import Jitter
from civos_siaf.data.fusion_data import FusionItems

SIZE = (40, 56)
STEMS = [f"{t:05d}" for t in range(7)]


class Videos:
    """Two objects, object 2 to the left of object 1; frames are grey, the brighter the later."""

    names = ("one", "two")

    def annotated(self, index):
        return STEMS

    def read(self, index, stem):
        labels = np.zeros(SIZE, np.uint8)
        labels[8:32, 4:24] = 2
        labels[8:32, 32:52] = 1
        return np.full((*SIZE, 3), 20 * (int(stem) + 1), np.uint8), labels


@pytest.fixture
def root(tmp_path):
    """References 0, 3 and 6. A stored value tells reference and frame; object 2 is unknown to 6."""
    fusion_data.references.cache_clear()
    fusion_data.reached.cache_clear()
    for reference in ("00000", "00003", "00006"):
        for number in (1, 2) if reference != "00006" else (1,):
            folder = tmp_path / "run" / "one" / reference / str(number)
            folder.mkdir(parents=True)
            for stem in STEMS:
                if stem != reference:
                    value = 10 * int(reference) + int(stem) + 100 * (number - 1)
                    cv2.imwrite(str(folder / f"{stem}.png"), np.full(SIZE, value, np.uint8))
    return tmp_path


def plain(root):
    return FusionItems(Videos(), root, ["run"], size=32, jitter=Jitter(), flip=0.0)


def items(source, count=40):
    return [source.item(i, np.random.default_rng(i), step=0) for i in range(count)]


def test_an_item_tells_two_stories_of_one_frame(root):
    seen = set()
    for item in items(plain(root)):
        second_object = int(item["num_objects"]) == 2
        first, target = divmod(round(float(item["previous"][0].max()) * 255) % 100, 10)
        second, again = divmod(round(float(item["current"][0].max()) * 255) % 100, 10)
        on_second = round(float(item["old"][0].max()) * 255) % 100
        assert target == again
        assert on_second == 10 * first + second
        assert len({first, second, target}) == 3
        assert int(item["image"].max() * 255 + 0.5) == 20 * (target + 1)
        assert int(item["reference"].max() * 255 + 0.5) == 20 * (second + 1)
        expected = [abs(first - target) / abs(first - second), abs(second - target) / abs(first - second)]
        assert item["distances"].tolist() == pytest.approx(expected)
        assert second_object == (6 not in (first, second))
        assert bool(item["current"][1].any()) == second_object
        seen.add((first, second))
    assert len(seen) == 6


def test_masks_and_labels_belong_to_the_same_object(root):
    for item in items(plain(root), 20):
        assert torch.equal(item["reference_masks"][0], (item["labels"] == 1).float())
        if item["num_objects"] == 2:
            assert torch.equal(item["reference_masks"][1], (item["labels"] == 2).float())
        else:
            assert item["labels"].max() <= 1


def test_the_same_generator_gives_the_same_item(root):
    source = FusionItems(Videos(), root, ["run"], size=32)
    a, b = (source.item(5, np.random.default_rng(3), step=0) for _ in range(2))
    assert all(torch.equal(a[name], b[name]) for name in a)
    other = source.item(5, np.random.default_rng(4), step=0)
    assert not all(torch.equal(a[name], other[name]) for name in a)


def test_unlike_propagations_are_preferred(root):
    folder = root / "run" / "one" / "00000" / "1"
    for reference in ("00000", "00003", "00006"):
        for path in (root / "run" / "one" / reference).rglob("*.png"):
            cv2.imwrite(str(path), np.zeros(SIZE, np.uint8))
    cv2.imwrite(str(folder / "00001.png"), np.full(SIZE, 200, np.uint8))
    different = [bool((item["previous"] != item["current"]).any()) for item in items(plain(root), 30)]
    # One target in 17 differs; a single draw would find it in about 2 of 30.
    assert sum(different) > 10


def test_missing_and_damaged_runs_are_named(root):
    with pytest.raises(FileNotFoundError, match="other"):
        FusionItems(Videos(), root, ["run", "other"])
    (root / "empty").mkdir()
    with pytest.raises(ValueError, match="no video with two references"):
        FusionItems(Videos(), root, ["empty"])
    for path in (root / "run").rglob("*.png"):
        cv2.imwrite(str(path), np.zeros((8, 8), np.uint8))
    with pytest.raises(ValueError, match=r"\.png: expected one byte per pixel, size \(40, 56\)"):
        plain(root).item(0, np.random.default_rng(0), step=0)
