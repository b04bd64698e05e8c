"""Fingers and pens: taps, strokes, pinches, a hand on the screen, pointers that have no business here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.page.person import Person
from tests.app.page.serving import Server

SCALE = "annotator.editor.stage.camera.scale"


class Hand:
    """Fingers and pens on a page, by Chromium's own events."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.session = person.page.context.new_cdp_session(person.page)

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        """touchStart, touchMove or touchEnd with the fingers that are down then, at places of the window."""
        fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    def drag(self, *points: tuple[float, float]) -> None:
        """One finger along places of the window."""
        self.touch("touchStart", points[0])
        for point in points[1:]:
            self.touch("touchMove", point)
        self.touch("touchEnd")

    def pen(self, kind: str, at: tuple[float, float], *, button: str = "left", buttons: int = 1) -> None:
        """mousePressed, mouseMoved or mouseReleased, made by a pen."""
        place = {"x": at[0], "y": at[1], "button": button, "buttons": buttons, "clickCount": 1}
        self.session.send("Input.dispatchMouseEvent", {"type": kind, "pointerType": "pen", **place})


@pytest.fixture
def person(browser: Any, server: Server, clip: Path) -> Iterator[Person]:
    context = browser.new_context(viewport={"width": 1280, "height": 720}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(15_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    person = Person(page, server.address)
    person.open(server.project(clip))
    yield person
    context.close()
    assert not errors


@pytest.fixture
def hand(person: Person) -> Hand:
    return Hand(person)


def test_a_tap_is_one_click(person: Person, hand: Hand) -> None:
    hand.drag(person.place(40, 30))
    person.idle()
    (click,) = person.prompts("click")
    assert abs(click["x"] - 40) < 1
    assert abs(click["y"] - 30) < 1
    assert click["positive"]


def test_a_pinch_zooms_and_saves_nothing(person: Person, hand: Hand) -> None:
    before = person.page.evaluate(SCALE)
    (x, y) = person.place(40, 30)
    hand.touch("touchStart", (x, y))
    hand.touch("touchStart", (x, y), (x + 50, y))
    hand.touch("touchMove", (x, y), (x + 100, y))
    hand.touch("touchEnd", (x, y))  # one finger stays a moment longer
    hand.touch("touchMove", (x + 30, y + 30))
    hand.touch("touchEnd")
    person.idle()
    assert person.page.evaluate(SCALE) == pytest.approx(2 * before, rel=0.05)
    assert person.state["prompts"] == []
    hand.drag(person.place(40, 30))  # and the next tap is one
    person.idle()
    assert len(person.prompts("click")) == 1


def test_a_finger_moves_the_picture_or_draws(person: Person, hand: Hand) -> None:
    camera = "annotator.editor.stage.camera.x"
    before = person.page.evaluate(camera)
    x, y = person.place(40, 30)
    hand.drag((x, y), (x + 20, y), (x + 60, y))
    assert person.page.evaluate(camera) == pytest.approx(before + 60, abs=1)
    assert person.state["prompts"] == []
    person.press("s")
    hand.drag(*(person.place(20 + 4 * step, 30) for step in range(6)))
    person.idle()
    (stroke,) = person.prompts("scribble")
    assert stroke["points"][0] == pytest.approx([20, 30], abs=1)
    assert stroke["points"][-1] == pytest.approx([40, 30], abs=1)


def test_a_second_finger_drops_the_stroke(person: Person, hand: Hand) -> None:
    person.press("s")
    a, b, c = person.place(20, 30), person.place(30, 30), person.place(60, 20)
    hand.touch("touchStart", a)
    hand.touch("touchMove", b)
    hand.touch("touchStart", b, c)
    hand.touch("touchMove", b, (c[0] + 5, c[1]))
    hand.touch("touchEnd", b)
    hand.touch("touchEnd")
    person.idle()
    assert person.state["prompts"] == []


def test_a_pen_draws_and_the_hand_beside_it_does_not(person: Person, hand: Hand) -> None:
    hand.pen("mousePressed", person.place(40, 30))
    hand.pen("mouseReleased", person.place(40, 30), buttons=0)
    person.idle()
    assert len(person.prompts("click")) == 1
    hand.drag(person.place(60, 40))
    person.idle()
    assert len(person.prompts("click")) == 1
    hand.pen("mousePressed", person.place(20, 30), button="right", buttons=2)
    hand.pen("mouseReleased", person.place(20, 30), button="right", buttons=0)
    person.idle()
    assert [click["positive"] for click in person.prompts("click")] == [True, False]


def test_a_stray_pointer_does_not_join_a_stroke(person: Person, hand: Hand) -> None:
    person.press("s")
    person.page.mouse.move(*person.place(20, 30))
    person.page.mouse.down()
    person.page.mouse.move(*person.place(30, 30), steps=3)
    hand.drag(person.place(70, 10), person.place(80, 40))
    person.page.mouse.move(*person.place(40, 30), steps=3)
    person.page.mouse.up()
    person.idle()
    (stroke,) = person.prompts("scribble")
    assert all(abs(y - 30) < 2 for _, y in stroke["points"])
    assert stroke["points"][-1] == pytest.approx([40, 30], abs=1)
