"""A person at the page: what the tests do and see."""

from __future__ import annotations

import os
import time
import urllib.request
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

PATIENCE = 20.0 if not os.environ.get("CIVOS_SIAF_DAVIS") else 120.0
IDLE = "annotator.store.outbox.length === 0 && annotator.store.busy === null && annotator.store.connected"
PLACE = """([x, y]) => {
    const { element, camera } = annotator.editor.stage;
    const { left, top } = element.getBoundingClientRect();
    const place = camera.toStage(x, y);
    return [left + place.x, top + place.y];
}"""
PIXEL = """([x, y]) => {
    const { picture, camera, ratio } = annotator.editor.stage;
    const place = camera.toStage(x, y);
    return [...picture.getImageData(place.x * ratio, place.y * ratio, 1, 1).data];
}"""


class Person:
    """Works with one page that shows one project."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.address = address

    def open(self, project: str) -> None:
        self.project = project
        self.page.goto(f"{self.address}#{project}")
        self.ready()

    def ready(self) -> None:
        """Wait for the first frame."""
        self.until("window.annotator?.editor.stage.drawn.frame >= 0")

    def until(self, expression: str, argument: object = None) -> None:
        """Wait for something (the page's policy forbids the eval that wait_for_function needs)."""
        deadline = time.monotonic() + PATIENCE
        while not self.page.evaluate(expression, argument):
            assert time.monotonic() < deadline, f"never became true: {expression}"
            self.page.wait_for_timeout(15)

    def idle(self) -> None:
        """Wait until the server has taken everything."""
        self.until(IDLE)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.idle()

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Of a frame's pixel in the window."""
        left, top = self.page.evaluate(PLACE, [x, y])
        return left, top

    def click(self, at: tuple[float, float], button: str = "left") -> None:
        self.page.mouse.click(*self.place(*at), button=button)
        self.idle()

    def drag(self, points: Sequence[tuple[float, float]], button: str = "left") -> None:
        self.page.mouse.move(*self.place(*points[0]))
        self.page.mouse.down(button=button)
        for point in points[1:]:
            self.page.mouse.move(*self.place(*point), steps=4)
        self.page.mouse.up(button=button)

    def go(self, frame: int) -> None:
        self.page.evaluate("frame => annotator.editor.seek(frame)", frame)
        self.until("frame => annotator.editor.stage.drawn.frame === frame", frame)

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.page.evaluate("annotator.store.state")
        return state

    def prompts(self, kind: str) -> list[dict[str, Any]]:
        return [prompt for prompt in self.state["prompts"] if prompt["kind"] == kind]

    def labels(self, frame: int) -> NDArray[np.uint8]:
        """What the server shows on a frame, (H, W)."""
        state = self.state
        shown, size = state["shown"], (state["project"]["height"], state["project"]["width"])
        version = shown["frames"].get(str(frame), shown["base"])
        if version is None:
            return np.zeros(size, np.uint8)
        address = f"{self.address}api/projects/{self.project}/labels/{frame}?version={version}"
        with urllib.request.urlopen(address) as answer:
            runs = np.frombuffer(answer.read(), "<u4")
        return np.repeat((runs >> 24).astype(np.uint8), runs & 0xFFFFFF).reshape(size)

    def pixel(self, x: float, y: float) -> NDArray[np.int64]:
        """Red, green, blue and alpha of the picture on the screen where the frame has (x, y)."""
        return np.array(self.page.evaluate(PIXEL, [x, y]))

    def painted(self) -> None:
        """Wait until the labels to be shown are on the screen."""
        self.until(
            """() => {
                const { store, editor: { stage: { drawn, labels } } } = annotator;
                const name = store.labelsOf(store.frame);
                if (drawn.frame !== store.frame || name === null) return false;
                return drawn.layers?.key === name.key && labels.has(name);
            }"""
        )
        self.drawn()

    def drawn(self) -> None:
        """Wait until what the page knows by now is on the screen."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
