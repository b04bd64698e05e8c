"""Answers and messages that come late, or in another order than they were made."""

from __future__ import annotations

from typing import Any

from tests.app.page.clip import RED, SKY, centre
from tests.app.page.person import Person
from tests.app.page.serving import Server, no_pause


class HeldState:
    """The next answer to a question for the whole state, which comes when told to."""

    def __init__(self, person: Person) -> None:
        self.page, self.person = person.page, person
        self.held: list[tuple[Any, Any]] = []
        self.page.route(f"**/api/projects/{person.project}", self._hold)
        self.page.evaluate("() => { window.resynced = annotator.editor.resync(); }")
        while not self.held:
            self.page.wait_for_timeout(10)

    def _hold(self, route: Any) -> None:
        self.held.append((route, route.fetch()))

    def come(self) -> None:
        ((route, answer),) = self.held
        route.fulfill(response=answer)
        self.page.unroute(f"**/api/projects/{self.person.project}")
        self.page.evaluate("() => window.resynced")


def test_a_late_state_takes_nothing_back(person: Person) -> None:
    person.click(centre(RED, 0))
    late = HeldState(person)
    person.click(centre(RED, 0))
    late.come()
    assert len(person.state["prompts"]) == 2


def test_a_late_state_does_not_say_that_ended_work_goes_on(person: Person, server: Server) -> None:
    person.click(centre(RED, 0))
    server.method.pause = lambda frame: 0.0 if frame < 3 else 60.0
    try:
        person.page.keyboard.press("Shift+Enter")
        person.until("annotator.store.live.size >= 3")
        late = HeldState(person)
        person.press("Escape")
    finally:
        server.method.pause = no_pause
    late.come()
    assert person.page.evaluate("annotator.store.busy") is None


def test_a_state_that_was_asked_for_counts_where_nothing_else_came(person: Person) -> None:
    """As after a server was started anew: its revision may be lower, and its work has ended."""
    person.click(centre(RED, 0))
    person.page.evaluate(
        """() => {
            const { store, editor } = annotator;
            const busy = { what: "propagating", done: 1, total: 2, revision: 100 };
            store.set({ busy, live: new Map([[1, 1]]) });
            store.set({ state: { ...store.state, revision: 100, prompts: [] } });
            return editor.resync();
        }"""
    )
    assert person.page.evaluate("annotator.store.busy") is None
    assert person.page.evaluate("annotator.store.live.size") == 0
    assert len(person.state["prompts"]) == 1


def test_messages_of_work_that_was_answered_already_change_nothing(person: Person) -> None:
    page = person.page
    person.click(centre(RED, 0))
    person.click(centre(SKY, 0), button="right")
    page.evaluate(
        """() => {
            const { editor } = annotator, receive = editor.receive;
            window.late = [];
            editor.receive = function (message) {
                if (["busy", "arrived"].includes(message.type)) window.late.push(message);
                else receive.call(this, message);
            };
            window.comes = () => window.late.forEach((message) => receive.call(editor, message));
        }"""
    )
    person.press("Shift+Enter")
    person.until("new Set(window.late.map(({ type }) => type)).size === 2")
    page.evaluate("window.comes()")
    assert page.evaluate("[annotator.store.frame, annotator.store.live.size]") == [0, 0]
    assert page.evaluate("annotator.store.busy") is None


def test_a_tap_is_one_though_the_page_hears_of_its_end_late(person: Person) -> None:
    page = person.page
    page.evaluate(
        """() => {
            const press = (type) => new KeyboardEvent(type, { key: " ", bubbles: true });
            const [down, up] = [press("keydown"), press("keyup")];
            const { element } = annotator.editor.stage;
            element.dispatchEvent(down);
            while (performance.now() < down.timeStamp + 400);
            Object.defineProperty(up, "timeStamp", { value: down.timeStamp + 50 });
            element.dispatchEvent(up);
        }"""
    )
    person.until("annotator.store.playing")


def test_a_long_press_is_no_tap(person: Person) -> None:
    page = person.page
    page.keyboard.down("Space")
    page.wait_for_timeout(300)
    page.keyboard.up("Space")
    assert not page.evaluate("annotator.store.playing")
