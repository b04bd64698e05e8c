import json

import pytest
from PIL import Image

from civos_siaf.training.curves import plot


def write(folder, rows):
    folder.mkdir()
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_stages_are_drawn_one_after_the_other(tmp_path):
    one = write(tmp_path / "a", [{"step": s, "loss": 1 / s, "iou": s / 20} for s in range(1, 11)])
    rows = [{"step": 1, "loss": 0.1, "iou": 0.5}, {"step": 1, "validation/iou_1": 0.4}]
    two = write(tmp_path / "b", rows)
    plot([one, two], tmp_path / "curves.png")
    assert Image.open(tmp_path / "curves.png").size == (1320, 440)
    with pytest.raises(ValueError, match="'ce' was never logged"):
        plot([one], tmp_path / "curves.png", ["ce"])
    with pytest.raises(ValueError, match=r"'loss' was never logged in .*begun"):
        plot([write(tmp_path / "begun", [])], tmp_path / "curves.png")
    with pytest.raises(FileNotFoundError):
        plot([tmp_path / "nothing"], tmp_path / "curves.png")
