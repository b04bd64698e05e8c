"""The whole way of a video through the page: prompts, commit, propagate, correct, export, come back."""

from __future__ import annotations

import json
import threading
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from civos_siaf.app.exports import export_file
from civos_siaf.protocol import Progress
from tests.app.page.clip import HEIGHT, LENGTH, RED, SKY, WIDTH, centre, iou, truth
from tests.app.page.person import Person
from tests.app.page.serving import Server

GOOD = 0.85


def scribble_of(shape: int, t: int) -> list[tuple[float, float]]:
    x, y = centre(shape, t)
    return [(x - 9, y - 4), (x, y + 5), (x + 9, y - 3)]


def check(person: Person, frame: int, shape: int, least: float = GOOD) -> None:
    assert iou(person.labels(frame) == shape, truth(shape, frame)) >= least


def export(person: Person, format: str, folder: Path) -> Path:
    person.page.keyboard.press("e")
    person.page.locator(f"input[name=format][value={format}]").check()
    with person.page.expect_download() as download:
        person.page.get_by_role("button", name="Export and download").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    person.page.keyboard.press("Escape")
    return path


def coco_masks(path: Path) -> list[dict[str, Any]]:
    annotations: list[dict[str, Any]] = json.loads(path.read_text())["annotations"]
    return annotations


def test_from_the_first_click_to_the_exports_and_back(person: Person, tmp_path: Path) -> None:
    person.click(centre(RED, 0))
    assert [o["id"] for o in person.state["objects"]] == [RED]
    check(person, 0, RED)
    person.painted()

    person.press("o", "s")
    person.go(5)
    person.drag(scribble_of(SKY, 5))
    person.idle()
    assert len(person.prompts("scribble")) == 1
    assert person.page.locator("#pending").inner_text() == "2"

    person.press("Enter")
    assert person.state["frames"]["committed"] == [[0, 0], [5, 5]]
    check(person, 0, RED)
    check(person, 5, SKY)

    person.press("Shift+Enter")
    assert person.state["round"] == 1
    for t in range(LENGTH):
        check(person, t, RED, 0.7)
        check(person, t, SKY, 0.7)

    person.press("c", "1")
    person.go(9)
    before = person.labels(9)
    x, y = centre(SKY, 9)
    person.click((x, y), button="right")
    person.click(centre(RED, 9))
    assert [p["positive"] for p in person.prompts("click") if p["frame"] == 9] == [False, True]
    assert not np.array_equal(person.labels(9), before)
    person.press("p")
    assert person.state["round"] == 2
    assert person.state["previous"] is not None

    corrected = person.state["shown"]
    person.press("Control+z")
    assert person.state["round"] == 1
    person.press("Control+Shift+z")
    assert person.state["round"] == 2
    assert person.state["shown"] == corrected

    person.press("Control+z", "Control+z", "Control+z")
    check(person, 9, SKY, 0.7)
    person.press("2", "v")
    assert person.state["objects"][1]["hidden"]
    person.press("v", "Delete")
    assert [o["id"] for o in person.state["objects"]] == [RED]
    person.press("Control+z")
    assert [o["id"] for o in person.state["objects"]] == [RED, SKY]

    masks = coco_masks(export(person, "coco", tmp_path))
    assert {mask["segmentation"]["size"][0] for mask in masks} == {HEIGHT}
    assert len(masks) == 2 * LENGTH
    names = zipfile.ZipFile(export(person, "davis", tmp_path)).namelist()
    assert sum(name.endswith(".png") for name in names) == LENGTH

    left, frame = person.state, person.page.evaluate("annotator.store.frame")
    person.page.wait_for_timeout(250)
    person.page.reload()
    person.ready()
    person.idle()
    assert person.page.evaluate("annotator.store.frame") == frame
    for part in ("objects", "prompts", "frames", "round", "shown", "undo", "redo"):
        assert person.state[part] == left[part]
    person.painted()


def test_all_of_it_with_the_keys_alone(person: Person) -> None:
    page = person.page

    def aim(x: float, y: float) -> None:
        """Bring the cross-hair to a pixel of the frame by arrows."""
        cursor = page.evaluate("annotator.store.cursor")
        for key, way in (("ArrowRight", x - cursor["x"]), ("ArrowDown", y - cursor["y"])):
            key = key if way > 0 else {"ArrowRight": "ArrowLeft", "ArrowDown": "ArrowUp"}[key]
            for _ in range(round(abs(way))):
                page.keyboard.press(f"Shift+{key}")

    page.keyboard.press("k")
    aim(*centre(RED, 0))
    person.press("Enter")
    check(person, 0, RED)
    person.press("Escape", "o", "s", "ArrowRight", "ArrowRight")
    assert page.evaluate("annotator.store.frame") == 2
    page.keyboard.press("k")
    aim(centre(SKY, 2)[0] - 6, centre(SKY, 2)[1])
    page.keyboard.press("Enter")
    for _ in range(10):
        page.keyboard.press("Shift+ArrowRight")
    person.press("Enter")
    check(person, 2, SKY)
    person.press("Escape", "F2")
    page.keyboard.type("the blue one")
    person.press("Enter")
    assert person.state["objects"][1]["name"] == "the blue one"
    page.locator("#stage").focus()
    person.press("Enter", "Shift+Enter")
    assert person.state["round"] == 1
    check(person, LENGTH - 1, SKY, 0.7)
    person.press("End", "r")
    assert person.state["frames"]["reviewed"] == [[LENGTH - 1, LENGTH - 1]]
    person.press("Home", "d", "g")
    assert person.state["frames"]["doubtful"] == [[0, 0]]
    assert page.evaluate("annotator.store.frame") == person.state["suggested"]
    with page.expect_download() as download:
        page.keyboard.press("e")
        page.locator("input[name=format]").first.wait_for()
        page.locator("#export-start").focus()
        page.keyboard.press("Enter")
    assert download.value.suggested_filename


def test_more_than_ten_objects(person: Person) -> None:
    for _ in range(13):
        person.press("o")
    objects = person.state["objects"]
    assert len({o["colour"] for o in objects}) == 13
    assert person.page.locator("#objects li").count() == 13
    person.page.keyboard.type("12")
    assert person.page.evaluate("annotator.store.selected") == 12
    person.click(centre(RED, 0))
    person.page.wait_for_timeout(750)
    person.page.keyboard.type("13")
    person.click(centre(SKY, 0))
    assert iou(person.labels(0) == 12, truth(RED, 0)) > GOOD
    assert iou(person.labels(0) == 13, truth(SKY, 0)) > GOOD
    person.painted()
    person.page.keyboard.press("t")
    colour = objects[12]["colour"]
    expected = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    person.page.evaluate("annotator.store.set({ mode: 'tint', opacity: 1 })")
    person.painted()
    x, y = centre(SKY, 0)
    assert np.abs(person.pixel(x, y)[:3] - expected).max() <= 3
    assert person.page.evaluate("document.scrollingElement.scrollHeight") <= 720


def test_boxes_background_strokes_and_clearing(person: Person) -> None:
    person.press("b")
    x, y = centre(RED, 0)
    person.drag([(x - 20, y - 21), (x + 5, y), (x + 19, y + 20)])
    person.idle()
    (box,) = person.prompts("box")
    assert np.allclose(
        [box["x0"], box["y0"], box["x1"], box["y1"]], [x - 20, y - 21, x + 19, y + 20], atol=0.6
    )
    person.press("s")
    person.drag([(10, 10), (40, 12), (80, 10)], button="right")
    person.idle()
    (stroke,) = person.prompts("scribble")
    assert stroke["object"] == 0
    points = np.array(stroke["points"])
    assert np.allclose(points[0], [10, 10], atol=0.3)
    assert points.min() >= 0
    assert (points.max(axis=0) <= [WIDTH - 1, HEIGHT - 1]).all()
    person.press("Shift+Backspace")
    assert person.state["prompts"] == []


def test_exported_masks_are_a_starting_point_elsewhere(
    person: Person, server: Server, clip: Path, tmp_path: Path
) -> None:
    person.click(centre(RED, 0))
    person.press("p")
    masks = export(person, "coco", tmp_path)
    before = person.labels(3)
    person.page.goto("about:blank")
    person.open(server.project(clip))
    assert person.state["objects"] == []
    person.page.get_by_role("button", name="Import masks").click()
    person.page.locator("#import-file").set_input_files(masks)
    person.page.locator("#import-start").click()
    person.page.locator("#import-dialog").wait_for(state="hidden")
    person.idle()
    assert len(person.state["objects"]) == 1
    assert person.state["masks"] == [{"object": 1, "status": "pending", "frames": [[0, LENGTH - 1]]}]
    assert np.array_equal(person.labels(3), before)


def test_the_dialog_asks_where_masks_can_be_read_in_several_ways(person: Person, tmp_path: Path) -> None:
    grey = np.zeros((HEIGHT, WIDTH), np.uint8)
    grey[10:40, 10:40], grey[60:90, 10:40] = 7, 255
    Image.fromarray(grey).save(tmp_path / "grey.png")
    person.page.get_by_role("button", name="Import masks").click()
    person.page.locator("#import-file").set_input_files(tmp_path / "grey.png")
    person.page.locator("#import-start").click()
    asked = person.page.locator("#import-question button")
    asked.first.wait_for()
    assert "the values 0, 7, 255" in person.page.locator("#import-status").inner_text()
    assert asked.count() == 3
    person.page.get_by_role("button", name="One object: above 127").click()
    person.page.locator("#import-dialog").wait_for(state="hidden")
    person.idle()
    assert len(person.state["objects"]) == 1
    assert np.array_equal(person.labels(0) > 0, grey == 255)


def test_a_file_without_masks_is_refused_in_the_dialog(person: Person, tmp_path: Path) -> None:
    wrong = tmp_path / "masks.json"
    wrong.write_text("{}")
    person.page.get_by_role("button", name="Import masks").click()
    person.page.locator("#import-file").set_input_files(wrong)
    person.page.locator("#import-start").click()
    status = person.page.locator("#import-status.bad")
    status.wait_for()
    assert "masks" in status.inner_text()
    assert person.state["objects"] == []


def test_an_export_can_be_cancelled(person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    def held(*arguments: Any, progress: Progress, **options: Any) -> Path:
        def wait(done: int, total: int) -> None:
            go.wait(60 if done > 3 else 0)
            progress(done, total)

        return export_file(*arguments, progress=wait, **options)

    monkeypatch.setattr("civos_siaf.app.server.export_jobs.export_file", held)
    person.click(centre(RED, 0))
    cancel, status = person.page.locator("#export-cancel"), person.page.locator("#export-status")
    person.page.keyboard.press("e")
    assert cancel.is_hidden()
    person.page.get_by_role("button", name="Export and download").click()
    person.until(f"document.getElementById('export-status').textContent === '3 of {LENGTH} frames'")
    with person.page.expect_response("**/cancel"):
        cancel.click()
    go.set()
    person.until("document.getElementById('export-status').textContent.includes('cancelled')")
    assert status.inner_text() == "Export cancelled, nothing was written."
    assert cancel.is_hidden()
    assert person.page.locator("#export-progress").is_hidden()
    person.page.keyboard.press("Escape")
    assert len(coco_masks(export(person, "coco", tmp_path))) == 1
