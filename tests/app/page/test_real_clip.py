"""A real video and the light models through the page: run where a DAVIS folder and quiet cores are at hand.

CIVOS_SIAF_DAVIS=/data/DAVIS python -m pytest -s tests/app/page/test_real_clip.py
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from civos_siaf.masks import read_png
from civos_siaf.video.frames import Frames
from civos_siaf.video.writer import write_video
from tests.app.page.person import Person
from tests.app.page.serving import Server
from tests.app.page.test_flow import coco_masks, export

ROOT = Path(os.environ.get("CIVOS_SIAF_DAVIS", "/nowhere"))
PICTURES = os.environ.get("CIVOS_SIAF_PICTURES")
NAME, LENGTH = "camel", 60
ANSWERS = "annotator.editor.answers"
CONFIGS = Path(__file__).parents[3] / "configs"

pytestmark = pytest.mark.skipif(not ROOT.is_dir(), reason="CIVOS_SIAF_DAVIS names no DAVIS folder")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("real") / f"{NAME}.mp4"
    frames = Frames.open(ROOT / "JPEGImages/480p" / NAME)
    write_video(path, (frames[t] for t in range(LENGTH)), quality=5)
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        method = instantiate(compose("annotate").method)
    server = Server(tmp_path_factory.mktemp("projects"), method, max_upload=2**30)
    yield server
    server.stop()


def truth(frame: int) -> NDArray[np.bool_]:
    return read_png(ROOT / "Annotations/480p" / NAME / f"{frame:05d}.png") == 1


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float((a & b).sum() / max((a | b).sum(), 1))


def wrong_place(found: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> tuple[tuple[float, float], bool]:
    """The middle (x, y) of the largest error, and whether it is missing."""

    depths = [
        cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 5)
        for part in (wanted & ~found, found & ~wanted)
    ]
    missing = depths[0].max() >= depths[1].max()
    depth = depths[0] if missing else depths[1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return (float(x), float(y)), missing


def picture(person: Person, name: str) -> None:
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        person.page.screenshot(path=f"{PICTURES}/{name}.png")


def click_worst(person: Person, frame: int, times: int) -> float:
    for _ in range(times):
        (x, y), missing = wrong_place(person.labels(frame) == 1, truth(frame))
        person.click((x, y), button="left" if missing else "right")
    return iou(person.labels(frame) == 1, truth(frame))


def test_the_whole_way_of_a_real_clip(person: Person, tmp_path: Path) -> None:
    found: dict[str, float] = {}
    picture(person, "1-empty")
    found["first click"] = click_worst(person, 0, 1)
    found["three clicks"] = click_worst(person, 0, 2)
    picture(person, "2-clicked")

    person.press("o", "s")
    person.go(30)
    person.drag([(690, 25), (730, 40), (780, 30)])  # the roof
    person.idle()
    picture(person, "3-scribbled")
    person.press("Enter")
    assert person.state["frames"]["committed"] == [[0, 0], [30, 30]]
    assert (person.labels(30) == 2).sum() > 200
    found["committed"] = iou(person.labels(0) == 1, truth(0))
    picture(person, "4-committed")

    person.press("Shift+Enter")
    assert person.state["round"] == 1
    every = [iou(person.labels(t) == 1, truth(t)) for t in range(LENGTH)]
    found["propagated"] = float(np.mean(every))
    picture(person, "5-propagated")

    worst = int(np.argmin(every))
    person.press("c", "1")
    person.go(worst)
    found["worst frame"] = every[worst]
    found["corrected"] = click_worst(person, worst, 3)
    picture(person, "6-corrected")
    person.press("Shift+Enter")
    found["second round"] = float(np.mean([iou(person.labels(t) == 1, truth(t)) for t in range(LENGTH)]))
    picture(person, "7-second-round")
    print({name: round(value, 3) for name, value in found.items()})
    assert found["three clicks"] > 0.6
    assert found["propagated"] > 0.6
    assert found["corrected"] > found["worst frame"]
    assert found["second round"] > found["propagated"] - 0.02

    shown = person.state["shown"]
    person.press("Control+z")
    assert person.state["round"] == 1
    person.press("Control+Shift+z")
    assert person.state["shown"] == shown

    masks = coco_masks(export(person, "coco", tmp_path))
    first = next(mask for mask in masks if mask["track_id"] == 1 and mask["image_id"] == masks[0]["image_id"])
    rle = first["segmentation"]
    exported = coco_mask.decode({"size": rle["size"], "counts": rle["counts"].encode()}).astype(bool)
    assert np.array_equal(exported, person.labels(0) == 1)
    davis = export(person, "davis", tmp_path)
    assert davis.stat().st_size > 1000
    picture(person, "8-exported")

    left = person.state
    person.page.reload()
    person.ready()
    person.idle()
    for part in ("objects", "prompts", "frames", "round", "shown", "undo", "redo"):
        assert person.state[part] == left[part]
    picture(person, "9-reloaded")


def test_clicks_are_answered_soon(person: Person) -> None:
    times: list[float] = []
    click_worst(person, 0, 1)  # the model wakes up
    measured = 1
    person.until(f"{ANSWERS}.length === {measured}")
    for frame in range(0, 40, 4):
        person.go(frame)
        for _ in range(4):
            (x, y), missing = wrong_place(person.labels(frame) == 1, truth(frame))
            person.click((x, y), button="left" if missing else "right")
            measured += 1
            person.until(f"{ANSWERS}.length >= {measured}")
            answers: list[dict[str, Any]] = person.page.evaluate(ANSWERS)
            assert len(answers) == measured  # one for every click
            times.append(answers[-1]["total"])
    median, late = np.median(times), np.percentile(times, 95)
    print(f"click to mask: median {median:.0f} ms, 95 % within {late:.0f} ms, {len(times)} clicks")
    assert median <= 300
    assert late <= 500
