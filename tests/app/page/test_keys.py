"""Keys on layouts without Latin letters, and with digits above: the place of the key counts."""

from __future__ import annotations

from tests.app.page.person import Person

CASES = [
    # key, code, shift, name
    ("f", "KeyF", False, "F"),
    ("\u0430", "KeyF", False, "F"),  # Cyrillic
    ("Я", "KeyZ", True, "Shift+Z"),
    ("ω", "KeyV", False, "V"),  # Greek
    ("כ", "KeyF", False, "F"),  # Hebrew
    ("ب", "KeyF", False, "F"),  # Arabic
    ("\u0445", "BracketLeft", False, "["),
    (",", "Slash", True, ","),  # Cyrillic has the comma there: its own sign counts
    ("&", "Digit1", False, "1"),  # AZERTY
    ("é", "Digit2", False, "2"),
    ("1", "Digit1", True, "1"),
    ("٣", "Digit3", False, "3"),
    ("!", "Digit1", True, "!"),
    ("y", "KeyZ", False, "Y"),  # QWERTZ: the letter on the key
    ("?", "Slash", True, "?"),
    ("ArrowLeft", "ArrowLeft", True, "Shift+Left"),
    (" ", "Space", False, "Space"),
    ("Dead", "Backquote", False, "`"),
]


def test_names_of_keys(person: Person) -> None:
    names = person.page.evaluate(
        """async (cases) => {
            const { nameOf } = await import(new URL("static/js/keys.js", document.baseURI));
            const none = { getModifierState: () => false };
            return cases.map(([key, code, shiftKey]) => nameOf({ key, code, shiftKey, ...none }));
        }""",
        [list(case[:3]) for case in CASES],
    )
    assert names == [case[3] for case in CASES]


def test_a_letter_of_another_script_does_what_the_key_does(person: Person) -> None:
    before = person.page.evaluate("annotator.store.frame")
    press = """(key) => document.activeElement.dispatchEvent(
        new KeyboardEvent("keydown", { key, code: "BracketRight", bubbles: true }))"""
    assert before == 0
    person.page.evaluate(press, "ъ")
    shown = person.page.evaluate("annotator.store.frame")
    person.page.evaluate("annotator.editor.seek(0)")
    person.page.evaluate(press, "]")
    assert shown == person.page.evaluate("annotator.store.frame")
