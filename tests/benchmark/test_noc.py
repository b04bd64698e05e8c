from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from civos_siaf.benchmark.noc import IGNORE, Clicker, ClickSample, Result, evaluate_clicks, iou
from civos_siaf.benchmark.noc_data import CocoSamples, FolderClickSamples
from civos_siaf.benchmark.noc_report import curve, plot, summary, table, write_csv
from civos_siaf.masks import to_rle
from civos_siaf.masks.coco import decode_segmentation
from civos_siaf.prompts import Click
from civos_siaf.runtime.files import write_text
from civos_siaf.training.validation import ClickValidation


def truth(height: int = 30, width: int = 40) -> NDArray[np.int8]:
    labels = np.zeros((height, width), np.int8)
    labels[5:16, 8:29] = 1
    return labels


class Grower:
    """Answers each click with one more share of the truth."""

    def __init__(self, answers: list[NDArray[np.float64]]) -> None:
        self.answers = answers
        self.clicks: list[Click] = []

    def set_image(self, image: NDArray[np.uint8]) -> None:
        self.clicks = []

    def add(self, *clicks: Click) -> NDArray[np.float64]:
        self.clicks += clicks
        return self.answers[min(len(self.clicks), len(self.answers)) - 1]


def sample() -> ClickSample:
    return ClickSample("a", np.zeros((30, 40, 3), np.uint8), truth())


def test_the_first_click_is_in_the_middle_and_the_next_in_the_largest_error() -> None:
    clicker = Clicker(truth())
    first = clicker.next(np.zeros((30, 40), bool))
    assert (first.y, first.x, first.positive) == (10, 13, True)
    mask = truth() == 1
    mask[18:29, 1:12] = True
    second = clicker.next(mask)
    assert (second.y, second.x, second.positive) == (23, 6, False)


def test_ties_are_negative_and_a_pixel_is_clicked_once() -> None:
    labels = np.zeros((7, 20), np.int8)
    labels[2:5, 2:5] = 1
    mask = np.zeros((7, 20), bool)
    mask[2:5, 12:15] = True
    clicker = Clicker(labels)
    clicks = [clicker.next(mask) for _ in range(3)]
    assert [(c.y, c.x, c.positive) for c in clicks[:2]] == [(3, 13, False), (3, 3, True)]
    assert len({(c.y, c.x) for c in clicks}) == 3


def test_a_perfect_mask_gets_no_click() -> None:
    assert Clicker(truth()).next(truth() == 1) is None


def test_wrong_pixels_that_were_all_clicked_get_no_other_click() -> None:
    mask = truth() == 1
    mask[0, 0] = mask[20, 30] = True
    clicker = Clicker(truth())
    assert [(c.y, c.x, c.positive) for c in (clicker.next(mask), clicker.next(mask))] == [
        (0, 0, False),
        (20, 30, False),
    ]
    assert clicker.next(mask) is None


def test_a_target_out_of_reach_ends_with_the_errors() -> None:
    perfect = Grower([(truth() == 1) * 1.0])
    assert evaluate_clicks(perfect, sample(), target=2.0).ious == (1.0,)
    assert len(perfect.clicks) == 1


def test_training_scores_a_perfect_answer_after_each_click() -> None:
    grower, other = Grower([(truth() == 1) * 1.0]), sample()
    part = np.zeros((30, 40))
    part[5:16, 8:20] = 1
    validation = ClickValidation(lambda network: grower, [other, other], clicks=3)
    assert validation(nn.Identity()) == {"iou_1": 1, "iou_2": 1, "iou_3": 1, "mean": 1}
    grower.answers = [part, (truth() == 1) * 1.0]
    assert validation(nn.Identity())["iou_1"] == pytest.approx(12 / 21)
    assert len(grower.clicks) == 2


def test_ignored_pixels_count_nowhere() -> None:
    labels = truth()
    labels[:, 25:] = IGNORE
    mask = np.zeros(labels.shape, bool)
    mask[5:16, 8:40] = True
    assert iou(labels, mask) == 1
    click = Clicker(labels).next(np.zeros(labels.shape, bool))
    assert click.x < 25


def test_clicks_until_the_target() -> None:
    part = np.zeros((30, 40))
    part[5:16, 8:20] = 1
    grower = Grower([part, (truth() == 1) * 1.0])
    result = evaluate_clicks(grower, sample(), target=0.9)
    assert result.ious == (pytest.approx(12 / 21), 1.0)
    assert (result.noc(0.5), result.noc(0.85), result.noc(0.9)) == (1, 2, 2)
    assert len(evaluate_clicks(grower, sample(), target=0.5).ious) == 1
    assert len(evaluate_clicks(grower, sample(), target=0.5, min_clicks=2).ious) == 2
    assert (
        len(evaluate_clicks(grower, sample(), target=0.5, min_clicks=3).ious) == 2
    )  # nothing is left to correct


def test_never_good_enough_uses_all_clicks() -> None:
    result = evaluate_clicks(Grower([np.full((30, 40), 0.49)]), sample(), max_clicks=6)
    assert result.ious == (0.0,) * 6
    assert result.noc(0.85, 6) == 6


def test_a_foreign_answer_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a: the answer has shape \(3, 3\)"):
        evaluate_clicks(Grower([np.zeros((3, 3))]), sample())
    with pytest.raises(ValueError, match="NaN"):
        evaluate_clicks(Grower([np.full((30, 40), np.nan)]), sample())
    with pytest.raises(ValueError, match="no object pixel"):
        ClickSample("b", np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.int8))
    with pytest.raises(ValueError, match=r"mask \(4, 5\), image \(4, 4\)"):
        ClickSample("b", np.zeros((4, 4, 3), np.uint8), np.ones((4, 5), np.int8))


def test_folders(tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    labels = np.zeros((20, 30), np.uint8)
    labels[2:8, 2:8], labels[10:18, 10:25], labels[0] = 1, 2, 128
    for name in ("a", "b"):
        Image.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "images" / f"{name}.png")
        Image.fromarray(labels).save(tmp_path / "masks" / f"{name}.png")
    folders = tmp_path / "images", tmp_path / "masks"
    union = list(FolderClickSamples(*folders, ignore=128))
    assert [s.name for s in union] == ["a", "b"]
    assert [(union[0].truth == value).sum() for value in (1, IGNORE)] == [36 + 120, 30]
    single = list(FolderClickSamples(*folders, ignore=128, per_object=True, min_area=50))
    assert [(s.name, (s.truth == 1).sum()) for s in single] == [("a/2", 120), ("b/2", 120)]
    (tmp_path / "masks" / "b.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"no mask .*b\.png for the image"):
        FolderClickSamples(*folders)
    with pytest.raises(FileNotFoundError, match="no folder at"):
        FolderClickSamples(tmp_path / "none", tmp_path / "masks")


def test_annotations(tmp_path: Path) -> None:
    import json

    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / "x.png")
    square = [2, 2, 10, 2, 10, 10, 2, 10]
    mask = np.zeros((20, 30), bool)
    mask[5:15, 5:25] = True
    entries = [
        {"id": 1, "image_id": 7, "segmentation": [square], "area": 64},
        {"id": 2, "image_id": 7, "segmentation": dict(to_rle(mask)), "area": 200},
        {"id": 3, "image_id": 7, "segmentation": [square], "area": 64, "iscrowd": 1},
        {"id": 4, "image_id": 7, "segmentation": [[1, 1, 2, 2]], "area": 300},
    ]
    image = {"id": 7, "coco_url": "somewhere/x.png", "height": 20, "width": 30}
    write_text(tmp_path / "a.json", json.dumps({"images": [image], "annotations": entries}))
    samples = list(CocoSamples(tmp_path / "a.json", tmp_path))
    assert [s.name for s in samples] == ["7/1", "7/2"]
    assert np.array_equal(samples[1].truth == 1, mask)
    assert (samples[0].truth == 1).sum() == 64
    assert [s.name for s in CocoSamples(tmp_path / "a.json", tmp_path, min_area=100)] == ["7/2"]
    assert len(CocoSamples(tmp_path / "a.json", tmp_path, limit=1)) == 1
    write_text(tmp_path / "bad.json", "[]")
    with pytest.raises(ValueError, match=r"bad\.json: not a COCO or LVIS annotation file"):
        CocoSamples(tmp_path / "bad.json", tmp_path)


def test_plain_run_lengths() -> None:
    mask = decode_segmentation({"size": [2, 3], "counts": [2, 3, 1]}, 2, 3)
    assert mask.astype(int).tolist() == [[0, 1, 1], [0, 1, 0]]


def test_the_report(tmp_path: Path) -> None:
    results = [Result("a", (0.5, 0.95), 0.4), Result("b", (0.2, 0.3, 0.88), 0.6)]
    row = summary("toy", results, max_clicks=3)
    assert (row["NoC@85"], row["NoC@90"], row[">=3@85"], row[">=3@90"]) == (2.5, 2.5, 1, 1)
    assert row["s/click"] == pytest.approx(0.2)
    assert [key for key in row if key.startswith("IoU")] == ["IoU@1", "IoU@3"]
    assert [key for key in summary("toy", results) if key.startswith("IoU")] == [
        *("IoU@1", "IoU@3", "IoU@5", "IoU@20"),
    ]
    assert summary("toy", results)["IoU@3"] == pytest.approx(0.915), "0.95 stays after the target"
    assert curve(results, 3).tolist() == pytest.approx([0.35, 0.625, 0.915])
    lines = table([row, row]).splitlines()
    assert len(lines) == 3
    assert lines[0].split()[:3] == ["dataset", "objects", "NoC@85"]
    write_csv(tmp_path / "x" / "ious.csv", {"toy": results})
    assert (tmp_path / "x" / "ious.csv").read_text().splitlines()[1] == "toy,a,0.400000,0.500000,0.950000"
    plot(tmp_path / "curve.png", {"toy": results}, title="t", max_clicks=3)
    with Image.open(tmp_path / "curve.png") as image:
        assert image.size == (768, 528)
    with pytest.raises(ValueError, match="toy: no object was evaluated"):
        summary("toy", [])
