import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from PIL import Image

from civos_siaf.benchmark import DavisDataset
from civos_siaf.data.shapes import video_set
from civos_siaf.data.shapes.video_set import ShapesVideoSet, prepared
from civos_siaf.masks import read_png
from tests.waiting import wait_until

TINY = ShapesVideoSet(videos=2, objects=(1, 2), frames=3, size=(48, 64))
LONG = Path(__file__).parents[3] / "configs/dataset/shapes_long.yaml"


def stamps(folder):
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def clips():
    return ShapesVideoSet().clips()


def test_four_clips_of_two_to_five_objects(clips):
    for count, clip in zip((2, 3, 4, 5), clips, strict=True):
        assert clip.images.shape == (24, 240, 426, 3)
        assert set(np.unique(clip.labels)) == set(range(count + 1))


def test_objects_show_well_at_first_and_are_never_lost(clips):
    for clip in clips:
        counts = np.stack([(clip.labels == k).sum(axis=(1, 2)) for k in range(1, clip.labels.max() + 1)])
        assert (counts[:, 0] >= 0.01 * clip.labels[0].size).all()
        assert (counts > 0).all()


def test_objects_move_but_not_far_from_frame_to_frame(clips):
    for clip in clips:
        for k in range(1, clip.labels.max() + 1):
            one = clip.labels == k
            overlap = (one[1:] & one[:-1]).sum(axis=(1, 2)) / (one[1:] | one[:-1]).sum(axis=(1, 2))
            assert np.median(overlap) > 0.6
            assert (one[0] & one[-1]).sum() / (one[0] | one[-1]).sum() < 0.9


def test_the_layout_opens_as_davis_and_holds_the_clips(tmp_path):
    root = TINY.prepare(tmp_path / "deep" / "data")
    data = DavisDataset(root, resolution="48p")
    assert data.sequences == ["shapes-1", "shapes-2"]
    clip = TINY.clips()[1]
    assert (data.annotations("shapes-2") == clip.labels).all()
    assert np.abs(data.frames("shapes-2")[2].astype(int) - clip.images[2]).mean() < 12
    mask = root / "Annotations" / "48p" / "shapes-2" / "00000.png"
    assert Image.open(mask).mode == "P"
    assert read_png(mask).shape == (48, 64)
    assert [p.name for p in (tmp_path / "deep" / "data").iterdir()] == [root.name]


def test_what_is_complete_is_reused(tmp_path):
    root = prepared(tmp_path, videos=1, frames=2)
    before = stamps(root)
    assert prepared(tmp_path, videos=1, frames=2) == root
    assert stamps(root) == before
    (root / "shapes.json").write_text("{}")
    prepared(tmp_path, videos=1, frames=2)
    assert stamps(root).keys() == before.keys()
    assert stamps(root) != before


HELD = """
import sys, time
from civos_siaf.data.shapes import video_set
write = video_set.write_png
def held(path, labels):
    if path.name == "00005.png":
        time.sleep(600)
    write(path, labels)
video_set.write_png = held
video_set.prepared(sys.argv[1])
"""


def test_killed_in_the_middle(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen([sys.executable, "-c", HELD, str(tmp_path)], env=environment)
    wait_until(lambda: list(tmp_path.glob(".shapes-*/JPEGImages/*/*/00003.jpg")), process=process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith("shapes-")]
    root = TINY.prepare(tmp_path)
    assert DavisDataset(root, resolution="48p").sequences == ["shapes-1", "shapes-2"]


def test_what_another_process_made_meanwhile_is_left_alone(tmp_path, monkeypatch):
    write = ShapesVideoSet._write
    made = []

    def slow(self, root):
        if not made:
            made.append(None)
            made.append(stamps(TINY.prepare(tmp_path)))
        write(self, root)

    monkeypatch.setattr(ShapesVideoSet, "_write", slow)
    root = TINY.prepare(tmp_path)
    assert stamps(root) == made[1]
    assert [path.name for path in tmp_path.iterdir()] == [root.name]


@pytest.mark.parametrize("moment", [1, 2])
def test_what_comes_at_any_moment_is_left_alone(tmp_path, monkeypatch, moment):
    """Another process finishes right after this one has looked whether the data set is there."""
    root = TINY.prepare(tmp_path)
    (root / video_set.MARKER).write_text("other settings")
    looks, made, look = [], [], video_set._is_whole

    def interrupted(*arguments):
        found = look(*arguments)
        looks.append(found)
        if len(looks) == moment:
            made.append(stamps(TINY.prepare(tmp_path)))
        return found

    monkeypatch.setattr(video_set, "_is_whole", interrupted)
    assert TINY.prepare(tmp_path) == root
    assert stamps(root) == made[0]
    assert [path.name for path in tmp_path.iterdir()] == [root.name]


def test_what_another_holds_in_its_hands_for_a_moment_is_waited_for(tmp_path, monkeypatch):
    root = TINY.prepare(tmp_path)
    before, aside, looks, look = stamps(root), tmp_path / "aside", [], video_set._is_whole

    def seldom(*arguments):
        looks.append(None)
        if len(looks) == 2:  # when it takes away what stands there: nothing of its own comes into its place
            raise OSError("in the way")
        if len(looks) == 5:
            aside.replace(root)
        return look(*arguments)

    root.replace(aside)
    root.mkdir()
    monkeypatch.setattr(video_set, "_is_whole", seldom)
    assert TINY.prepare(tmp_path) == root
    assert len(looks) == 5
    assert stamps(root) == before


@pytest.mark.parametrize("there", [None, "other settings"])
def test_several_prepare_at_once(tmp_path, monkeypatch, there):
    if there is not None:
        (TINY.prepare(tmp_path) / video_set.MARKER).write_text(there)
    write, together = ShapesVideoSet._write, threading.Barrier(3, timeout=60)

    def in_step(self, root):
        write(self, root)
        together.wait()

    monkeypatch.setattr(ShapesVideoSet, "_write", in_step)
    with ThreadPoolExecutor(3) as pool:
        roots = list(pool.map(lambda _: TINY.prepare(tmp_path), range(3)))
    assert len(set(roots)) == 1
    assert DavisDataset(roots[0], resolution="48p").sequences == ["shapes-1", "shapes-2"]
    assert [path.name for path in tmp_path.iterdir()] == [roots[0].name]


def test_settings_of_a_configuration_make_other_videos(tmp_path):
    settings = OmegaConf.merge(
        {
            "_target_": "civos_siaf.data.shapes.video_set.prepared",
            "_convert_": "all",
            "folder": str(tmp_path),
        },
        OmegaConf.load(LONG).root,
        {"videos": 1, "frames": 3, "size": [48, 64], "least": 0.001},
    )
    root = instantiate(settings)
    labels = read_png(root / "Annotations" / "48p" / "shapes-1" / "00000.png")
    assert labels.max() == 4
    kept = json.loads((root / "shapes.json").read_text())
    assert kept["rules"]["leaving"] is True
    assert kept["rules"]["scale"] == [0.13, 0.26]
