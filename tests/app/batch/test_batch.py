import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from civos_siaf.app.batch.jobs import read_jobs
from civos_siaf.app.batch.run import run_batch
from civos_siaf.app.batch.summary import write_summary
from civos_siaf.masks import read_png
from civos_siaf.methods import NearestColour
from civos_siaf.video.writer import write_video
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]


def click(x, y, number=1, **more):
    return {"type": "click", "object": number, "x": x, "y": y, **more}


ROUNDS = [{"0": [click(12, 20)]}, {"5": [click(60, 4, positive=False)], "2": [click(20, 20)]}]


@pytest.fixture
def videos(tmp_path):
    """Two videos of a moving square, and a file that is no video."""
    folder = tmp_path / "videos"
    images = np.zeros((6, 48, 64, 3), np.uint8)
    for t, image in enumerate(images):
        image[10:30, 5 + 2 * t : 25 + 2 * t] = (200, 40, 40)
    for name in ("a.mp4", "sub/b c.mp4"):
        write_video(folder / name, images)
    (folder / "bad.mp4").write_bytes(b"no video at all")
    return folder


@pytest.fixture
def write(tmp_path):
    def write(data):
        path = tmp_path / "prompts.json"
        path.write_text(data if isinstance(data, str) else json.dumps(data))
        return path

    return write


class Counting(NearestColour):
    opened = 0

    def open(self, frames, *, num_objects):
        Counting.opened += 1
        return super().open(frames, num_objects=num_objects)


def prompts(*names, **more):
    return {"videos": {name: {"objects": [{"name": "square"}], "rounds": ROUNDS, **more} for name in names}}


def test_one_bad_video_does_not_stop_the_others(videos, write, tmp_path):
    data = prompts("bad.mp4", "a.mp4", "gone.mp4", "../a.mp4", "sub/b c.mp4")
    data["videos"]["a.mp4"]["rounds"] = [{"0": [click(12, 20)], "9": [click(1, 1)]}]
    told = []
    records = list(
        run_batch(
            read_jobs(videos, write(data)),
            NearestColour(),
            tmp_path / "out",
            formats={"davis": {}, "coco": {"every": 2}},
            tell=lambda *what: told.append(what),
        )
    )
    assert [(record.video, record.status) for record in records] == [
        ("bad.mp4", "failed"),
        ("a.mp4", "failed"),
        ("gone.mp4", "failed"),
        ("../a.mp4", "failed"),
        ("sub/b c.mp4", "done"),
    ]
    for record, message in zip(
        records, ("not a readable video", "no frame 9", "no video at", "not a path below", ""), strict=True
    ):
        assert message in record.error
    last = records[-1]
    assert (last.frames, last.objects, last.rounds) == (6, 1, 2)
    assert last.seconds > 0
    folder = tmp_path / "out" / last.folder
    masks = sorted((folder / "davis" / "Annotations" / "480p").glob("*/*.png"))
    with Image.open(masks[3]) as image:
        found = np.array(image) == 1
    truth = np.zeros((48, 64), bool)
    truth[10:30, 11:31] = True
    assert (found & truth).sum() / (found | truth).sum() > 0.7
    coco = json.loads((folder / "coco.json").read_text())
    assert [category["name"] for category in coco["categories"]] == ["square"]
    assert len(coco["images"]) == 3
    assert ("sub/b c.mp4", "davis", 6, 6) in told
    assert {what for _, what, _, _ in told} >= {"propagating", "coco"}
    assert not (tmp_path / "a.mp4").exists()


def test_what_is_finished_is_not_done_again(videos, write, tmp_path):
    out = tmp_path / "out"

    def run(data, **options):
        Counting.opened = 0
        jobs = read_jobs(videos, write(data))
        (record,) = [r for r in run_batch(jobs, Counting(), out, **options) if r.video == "a.mp4"]
        return record.status, Counting.opened

    assert run(prompts("a.mp4")) == ("done", 1)
    assert run(prompts("a.mp4")) == ("done before", 0)
    # Another format is exported without asking the method.
    assert run(prompts("a.mp4"), formats={"coco": {}}) == ("done", 0)
    assert run(prompts("a.mp4", objects=[{"name": "other"}])) == ("done", 1)
    assert run(prompts("a.mp4", objects=[{"name": "other"}]), method_name="better") == ("done", 1)


@pytest.fixture
def run(videos, write, tmp_path):
    """Runs the batch on the first video; its status, and labels (H, W) of frame 3."""
    path, out = write(prompts("a.mp4")), tmp_path / "out"

    def run(**options):
        records = list(run_batch(read_jobs(videos, path), NearestColour(), out, **options))
        (record,) = [record for record in records if record.video == "a.mp4"]
        assert record.error == ""
        with Image.open(next((out / record.folder).glob("davis/Annotations/480p/*/00003.png"))) as image:
            return record.status, np.array(image)

    return run


def kept(out):
    """The masks of every project of the first video."""
    found = {}
    for folder in out.glob("a.mp4/project-*"):
        images = sorted(folder.glob("masks/*/*.png"))
        found[folder.name] = [(path.parent.name, path.name, path.read_bytes()) for path in images]
    return found


def test_another_video_under_the_same_name_is_done_anew(run, videos, tmp_path):
    status, before = run()
    assert status == "done"
    earlier = kept(tmp_path / "out")
    images = np.zeros((6, 48, 64, 3), np.uint8)
    images[:, 16:30, 6:30] = (200, 40, 40)  # six rows less
    write_video(videos / "a.mp4", images)
    status, labels = run()
    assert status == "done"
    assert [before[12, 15], before[20, 15]] == [1, 1]
    assert [labels[12, 15], labels[20, 15]] == [0, 1]
    assert run()[0] == "done before"
    assert len(kept(tmp_path / "out")) == 2
    assert earlier.items() < kept(tmp_path / "out").items()  # what was there is there still


def test_other_settings_of_the_method_are_done_anew(run, tmp_path):
    assert run(about="iterations: 3")[0] == "done"
    earlier = kept(tmp_path / "out")
    assert run(about="iterations: 3")[0] == "done before"
    assert run(about="iterations: 4")[0] == "done"
    assert run(about="iterations: 4")[0] == "done before"
    assert earlier.items() < kept(tmp_path / "out").items()


def test_a_video_without_prompts_is_told(videos, write, tmp_path):
    records = list(run_batch(read_jobs(videos, write(prompts("a.mp4"))), NearestColour(), tmp_path / "out"))
    assert [(r.video, r.status) for r in records] == [
        ("a.mp4", "done"),
        ("bad.mp4", "no prompts"),
        ("sub/b c.mp4", "no prompts"),
    ]


def test_folders_of_images_and_objects_without_names(videos, write, tmp_path):
    for t in range(3):
        image = np.zeros((20, 30, 3), np.uint8)
        image[5:15, 5:15], image[5:15, 20:28] = (200, 0, 0), (0, 0, 200)
        (videos / "stills").mkdir(exist_ok=True)
        Image.fromarray(image).save(videos / "stills" / f"shot{t}.png")
    path = write({"videos": {"stills": {"rounds": [{"1": [click(10, 10), click(24, 10, 2)]}]}}})
    (record,) = [r for r in run_batch(read_jobs(videos, path), NearestColour(), tmp_path / "out") if r.frames]
    assert (record.frames, record.objects, record.rounds) == (3, 2, 1)
    masks = sorted((tmp_path / "out" / "stills" / "davis" / "Annotations" / "480p" / "stills").iterdir())
    assert [mask.name for mask in masks] == ["shot0.png", "shot1.png", "shot2.png"]
    with Image.open(masks[2]) as image:
        assert (image.getpixel((10, 10)), image.getpixel((24, 10)), image.getpixel((17, 2))) == (1, 2, 0)


def test_wrong_formats_are_told_before_anything_is_done(videos, write, tmp_path):
    jobs = read_jobs(videos, write(prompts("a.mp4")))
    with pytest.raises(ValueError, match="no export format 'dxf'"):
        run_batch(jobs, NearestColour(), tmp_path / "out", formats={"dxf": {}})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ([], "objects and rounds, and nothing else"),
        ({"rounds": ROUNDS, "more": 1}, "objects and rounds, and nothing else"),
        ({"rounds": []}, "one round or more"),
        ({"rounds": [{}]}, "round 1 must be prompts by frame"),
        ({"rounds": [{"-1": [click(1, 1)]}]}, "frames are named by their number"),
        ({"rounds": [{"0": []}]}, "round 1, frame 0: must be a list"),
        ({"rounds": [{"0": [{"type": "undo"}]}]}, r"a prompt has a type \(click, scribble, box, mask\)"),
        ({"rounds": [{"0": [click("a", 1)]}]}, "round 1, frame 0: click: x must be a number"),
        ({"rounds": ROUNDS, "objects": []}, "one object or more"),
        ({"rounds": ROUNDS, "objects": [{"id": 1}]}, "an object has a name and a colour"),
        ({"rounds": ROUNDS, "objects": [{"colour": "red"}]}, "colour must be a colour"),
        ({"rounds": [{"0": [click(1, 1, 2)]}], "objects": [{}]}, "for object 2, there are 1 objects"),
    ],
)
def test_wrong_entries(entry, message, videos, write):
    job = read_jobs(videos, write({"videos": {"a.mp4": entry}}))[0]
    assert job.actions == ()
    with pytest.raises(ValueError, match=message):
        raise ValueError(job.problem)


@pytest.mark.parametrize("text", ["", "[]", '{"videos": []}', '{"clips": {}}', "[" * 100_000])
def test_wrong_files(text, videos, write):
    with pytest.raises(ValueError, match=r"prompts\.json"):
        read_jobs(videos, write(text))


def test_missing_files(videos, tmp_path):
    with pytest.raises(FileNotFoundError, match="no prompts at"):
        read_jobs(videos, tmp_path / "none.json")
    with pytest.raises(FileNotFoundError, match="no folder of videos"):
        read_jobs(tmp_path / "none", tmp_path / "none.json")


def test_summary(videos, write, tmp_path):
    jobs = read_jobs(videos, write(prompts("a.mp4", "bad|\n.mp4")))
    records = list(run_batch(jobs, NearestColour(), tmp_path / "out"))
    write_summary(tmp_path / "out", records)
    with (tmp_path / "out" / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["video"] for row in rows] == ["a.mp4", "bad|\n.mp4", "bad.mp4", "sub/b c.mp4"]
    assert float(rows[0]["seconds_per_frame"]) == pytest.approx(float(rows[0]["seconds"]) / 6, abs=1e-3)
    totals = json.loads((tmp_path / "out" / "summary.json").read_text())["totals"]
    assert totals == {"videos": 4, "failed": 1, "frames": 6, "seconds": records[0].seconds}
    table = (tmp_path / "out" / "summary.md").read_text().splitlines()
    assert len(table) == 8
    assert table[3].startswith("| bad\\| .mp4 | failed |")


HELD = """
import sys, time
from pathlib import Path
from civos_siaf.app.batch.run import run_batch
from civos_siaf.app.batch.jobs import read_jobs
from civos_siaf.methods import NearestColour
from civos_siaf.methods.nearest_colour import NearestColourSession

label = NearestColourSession._label
def held(self, frame):
    if list(Path(sys.argv[3]).glob("sub*/project-*/masks/r*")):
        time.sleep(600)
    return label(self, frame)
NearestColourSession._label = held
for record in run_batch(read_jobs(sys.argv[1], sys.argv[2]), NearestColour(), sys.argv[3]):
    print(record.video, flush=True)
"""


def test_a_killed_batch_goes_on(videos, write, tmp_path):
    (videos / "bad.mp4").unlink()
    path, out = write(prompts("a.mp4", "sub/b c.mp4")), tmp_path / "out"
    command = [sys.executable, "-c", HELD, str(videos), str(path), str(out)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "a.mp4\n"
    wait_until(lambda: list(out.glob("sub*/project-*/masks/r*")), process=process)
    os.kill(process.pid, signal.SIGKILL)  # in the second round of the second video, the first is on disk
    process.wait()
    (journal,) = [path for path in out.glob("*/project-*/log.jsonl") if "a.mp4" not in str(path)]
    lines = journal.read_text().count("\n")
    records = list(run_batch(read_jobs(videos, path), NearestColour(), out))
    assert [record.status for record in records] == ["done before", "done"]
    once = journal.read_text().splitlines()
    assert len(once) > lines
    keys = [json.loads(line).get("key") for line in once]
    answered = {json.loads(line)["of"] for line in once if '"done"' in line}
    kept = [
        key
        for number, key in enumerate(keys, 1)
        if key and (number in answered or "click" in once[number - 1])
    ]
    assert kept
    assert len(kept) == len(set(kept))
    with Image.open(next((out / records[1].folder).glob("davis/Annotations/480p/*/00003.png"))) as image:
        resumed = np.array(image)
    fresh = list(run_batch(read_jobs(videos, path), NearestColour(), tmp_path / "fresh"))
    with Image.open(next((tmp_path / "fresh" / fresh[1].folder).glob("davis/*/480p/*/00003.png"))) as image:
        np.testing.assert_array_equal(np.array(image), resumed)


def test_an_object_number_is_no_count(videos, write, tmp_path):
    asked = []

    class Sees(NearestColour):
        def open(self, frames, *, num_objects):
            asked.append(num_objects)
            return super().open(frames, num_objects=num_objects)

    prompts = write({"videos": {"a.mp4": {"rounds": [{"0": [click(12, 20, 200)]}]}}})
    jobs = [job for job in read_jobs(videos, prompts) if job.name == "a.mp4"]
    (record,) = run_batch(jobs, Sees(), tmp_path / "out")
    assert record.status == "done"
    assert asked == [1]
    (png, *_) = sorted((tmp_path / "out").rglob("Annotations/**/*.png"))
    assert set(np.unique(read_png(png)).tolist()) == {0, 200}
