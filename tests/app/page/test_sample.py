"""The first screen without a video: a clip to try."""

from __future__ import annotations

from tests.app.page.person import Person


def test_the_sample_clip_from_the_first_screen(visitor: Person) -> None:
    visitor.page.goto(visitor.address)
    visitor.page.get_by_role("button", name="Try a sample clip").click()
    visitor.page.locator("#editor").wait_for()  # the page is loaded anew for a project
    visitor.ready()
    assert visitor.state["project"]["num_frames"] == 40
    visitor.click((290, 153))
    assert len(visitor.prompts("click")) == 1
