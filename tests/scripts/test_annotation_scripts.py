"""scripts/annotate_batch.py, then scripts/export.py on what it made."""

import json

import numpy as np

from civos_siaf.masks import write_png
from civos_siaf.video.writer import write_video


def test_batch_and_export(script, tmp_path):
    images = np.zeros((3, 32, 48, 3), np.uint8)
    images[:, 8:24, 8:24] = (220, 30, 30)
    write_video(tmp_path / "videos" / "a.mp4", images)
    (tmp_path / "videos" / "b.mp4").write_bytes(b"no video")
    entry = {"rounds": [{"0": [{"type": "click", "object": 1, "x": 12, "y": 12}]}]}
    (tmp_path / "prompts.json").write_text(json.dumps({"videos": {"b.mp4": entry, "a.mp4": entry}}))
    batch = ["videos=videos", "prompts=prompts.json", "out=out", "method=nearest_colour", "formats=[overlay]"]
    done = script("annotate_batch.py", *batch)
    assert done.returncode == 1, done.stderr
    assert "| b.mp4 | failed |" in done.stdout
    assert "| a.mp4 | done | 3 | 1 | 1 |" in done.stdout
    assert (tmp_path / "out" / "a.mp4" / "overlay.mp4").is_file()
    (project,) = (tmp_path / "out" / "a.mp4").glob("project-*")
    done = script("export.py", f"project={project}", "format=coco", "out=a.json", "+options.every=2")
    assert done.returncode == 0, done.stderr
    coco = json.loads((tmp_path / "a.json").read_text())
    assert [image["frame_index"] for image in coco["images"]] == [0, 2]
    assert len(coco["annotations"]) == 2
    again = script("annotate_batch.py", *batch)
    assert "| a.mp4 | done before | 3 | 1 | 1 |" in again.stdout
    other = script("annotate_batch.py", *batch, "method.reach=30")
    assert "| a.mp4 | done | 3 | 1 | 1 |" in other.stdout
    assert len(list((tmp_path / "out" / "a.mp4").glob("project-*"))) == 2
    (tmp_path / "names.txt").write_text("dog\nobject 1\n")
    named = ["format=coco", "out=b.json", "classes=names.txt", "+options.segmentation=polygons"]
    done = script("export.py", f"project={project}", *named)
    assert done.returncode == 0, done.stderr
    assert {
        entry["category_id"] for entry in json.loads((tmp_path / "b.json").read_text())["annotations"]
    } == {2}
    none = script(
        "export.py", f"project={project}", "format=yolo", "out=c", "classes=dog,cat", "frames=reviewed"
    )
    assert none.stderr.startswith("error: object 1 is called 'object 1'; classes has dog, cat")
    wrong = script("export.py", f"project={project}", "format=coco", "out=a.json", "+options.every=0")
    assert wrong.stderr.startswith("error: coco: every must be in [1")
    assert json.loads((tmp_path / "a.json").read_text()) == coco


def test_masks_are_scored(script, tmp_path):
    for name, value in (("truth", 1), ("masks", 1)):
        for t in range(3):
            labels = np.zeros((20, 30), np.uint8)
            labels[4:12, 4 : 12 + t] = value
            write_png(tmp_path / name / f"{t}.png", labels)
    (tmp_path / "masks/1.png").unlink()
    done = script("score_masks.py", "truth=truth", "masks=masks", "frames=all", "out=scores.csv")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "note: truth: 1 of 3 frames have no mask (1); they are empty"
    assert lines[-1] == "J 0.6667  F 0.6667  J&F 0.6667"
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 2
