"""What the tests of the annotator share: a round or two, what is then seen, and who watches."""

import numpy as np

from civos_siaf.app.document.actions import AddClick, AddObject, Commit, Propagate


class Watched:
    def __init__(self, on_progress=lambda what, done: None):
        self.told, self.frames, self.on_progress = [], [], on_progress

    def progress(self, what, done, total):
        self.told.append((what, done, total))
        self.on_progress(what, done)

    def arrived(self, frame):
        self.frames.append(frame)


def everything(annotator):
    return [annotator.labels(frame) for frame in range(5)]


def same(first, second):
    return all(
        np.array_equal(a, b) if a is not None else b is None for a, b in zip(first, second, strict=True)
    )


def two_rounds(annotator):
    for action in (
        AddObject(),
        AddClick(0, 1, 10, 4),
        AddObject("dog", "#00ff00"),
        AddClick(2, 2, 30, 4),
        Commit(),
        Propagate(),
        AddClick(3, 1, 20, 5),
        Propagate(),
    ):
        annotator.apply(action)
