"""What goes wrong is said, and no prompt is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.app.page.clip import LENGTH, RED, SKY, centre
from tests.app.page.person import Person
from tests.app.page.serving import Server, no_pause


def test_a_refused_prompt_stays_and_can_be_tried_again(person: Person) -> None:
    page = person.page
    person.press("o")

    def refuse(route: Any) -> None:
        route.fulfill(status=400, json={"error": "The clicks are out today."})

    page.route("**/actions", refuse)
    page.mouse.click(*person.place(*centre(RED, 0)))
    toast = page.get_by_role("alert").filter(has_text="The clicks are out today.")
    toast.wait_for()
    assert page.evaluate("annotator.store.outbox.map(item => item.status)") == ["failed"]
    assert person.state["prompts"] == []
    page.unroute("**/actions")
    toast.get_by_role("button", name="Retry").click()
    person.idle()
    assert len(person.state["prompts"]) == 1
    assert toast.count() == 0


def test_a_refused_prompt_can_be_given_up(person: Person) -> None:
    page = person.page
    person.press("o")
    page.evaluate(
        "annotator.editor.prompt({kind: 'click', frame: 0, object: 77, x: 1, y: 1, positive: true})"
    )
    toast = page.locator(".toast.error")
    toast.wait_for()
    assert "77" in toast.inner_text()
    toast.get_by_role("button", name="Discard").click()
    person.idle()
    assert person.state["prompts"] == []


def test_a_lost_connection_keeps_what_was_drawn(person: Person, server: Server) -> None:
    page = person.page
    person.click(centre(RED, 0))
    server.stop()
    page.locator("#banner").wait_for()
    page.keyboard.press("s")
    x, y = centre(SKY, 0)
    person.drag([(x - 8, y), (x, y + 4), (x + 8, y)])
    person.until("annotator.store.outbox.length === 1")
    assert "1 unsent" in page.locator("#banner").inner_text()
    server.start()
    person.idle()
    page.locator("#banner").wait_for(state="hidden")
    assert [prompt["kind"] for prompt in person.state["prompts"]] == ["click", "scribble"]


def test_live_frames_and_cancelling(person: Person, server: Server) -> None:
    page = person.page
    person.click(centre(RED, 0))
    server.method.pause = lambda frame: 0.0 if frame < 3 else 60.0
    try:
        page.get_by_role("button", name="Propagate").click()
        person.until("annotator.store.live.size >= 3")
        assert page.locator("#work").is_visible()
        assert page.evaluate("annotator.store.frame") > 0
        page.get_by_role("button", name="Cancel").click()
        person.idle()
    finally:
        server.method.pause = no_pause
    assert person.state["round"] == 0
    person.until("annotator.store.live.size === 0")
    assert page.locator(".toast").count() == 0
    page.locator("#stage").focus()
    person.press("Shift+Enter")
    assert person.state["round"] == 1
    assert person.state["frames"]["propagated"] == [[0, LENGTH - 1]]


def test_two_tabs_show_the_same(person: Person) -> None:
    other = Person(person.page.context.new_page(), person.address)
    other.open(person.project)
    person.click(centre(RED, 0))
    other.until("annotator.store.state.prompts.length === 1")
    other.painted()


def test_a_video_is_brought_and_what_is_none_is_refused(visitor: Person, clip: Path, tmp_path: Path) -> None:
    page = visitor.page
    page.goto(f"{visitor.address}#none")
    page.locator("#start").wait_for()
    assert page.get_by_role("alert").count() == 1
    wrong = tmp_path / "notes.mp4"
    wrong.write_bytes(b"these are notes, no video" * 100)
    page.locator("#video-file").set_input_files(wrong)
    page.locator("#upload-status.bad").wait_for()
    page.locator("#video-file").set_input_files(clip)
    page.locator("#editor").wait_for()
    visitor.ready()
    assert visitor.state["project"]["num_frames"] == LENGTH


def test_names_are_text_never_markup(person: Person) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    person.press("o", "F2")
    person.page.keyboard.type(hostile)
    person.press("Enter")
    assert person.state["objects"][0]["name"] == hostile
    assert person.page.locator("#objects img").count() == 0
    assert person.page.get_by_label("Name of object 1").input_value() == hostile
