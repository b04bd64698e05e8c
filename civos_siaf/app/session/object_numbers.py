"""Which object of a project is which of a method's session: prompts and labels, there and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from civos_siaf.app.document.actions import AddPrompt
from civos_siaf.prompts import Prompts
from civos_siaf.protocol import Arrived, Labels, LabelVideo


def objects_of(actions: Iterable[AddPrompt]) -> list[int]:
    """The project's objects that have prompts among these, ascending; background is none."""
    return sorted({action.object_id for action in actions} - {0})


def to_session(prompts: Prompts, objects: Sequence[int]) -> Prompts:
    """Prompts with the session's numbers.

    Args:
        prompts: with the project's numbers.
        objects: the project's number of the session's object 1, 2, ...
    """
    if _same(objects):
        return prompts
    place = {0: 0} | {number: new for new, number in enumerate(objects, 1)}
    return Prompts(tuple(replace(item, object_id=place[item.object_id]) for item in prompts.items))


def to_project(labels: Labels, objects: Sequence[int]) -> Labels:
    """Labels (H, W) of a session with the project's numbers."""
    return labels if _same(objects) else _table(objects)[labels]


def video_to_project(video: LabelVideo, objects: Sequence[int]) -> LabelVideo:
    """Labels (T, H, W) of a session with the project's numbers, made frame by frame."""
    return video if _same(objects) else cast("LabelVideo", _NumberedVideo(video, _table(objects)))


def arrived_to_project(arrived: Arrived, objects: Sequence[int]) -> Arrived:
    """The same call, given a session's labels."""
    if _same(objects):
        return arrived
    table = _table(objects)

    def numbered(frame: int, labels: Labels, confidence: float | None = None, /) -> None:
        arrived(frame, table[labels], confidence)

    return numbered


class _NumberedVideo:
    def __init__(self, video: LabelVideo, table: Labels) -> None:
        self._video, self._table = video, table
        self.shape = tuple(video.shape)

    def __len__(self) -> int:
        return len(self._video)

    def __getitem__(self, frame: int) -> Labels:
        labels: Labels = self._table[self._video[frame]]
        return labels


def _same(objects: Sequence[int]) -> bool:
    return list(objects) == list(range(1, len(objects) + 1))


def _table(objects: Sequence[int]) -> Labels:
    table = np.arange(256, dtype=np.uint8)
    table[: len(objects) + 1] = [0, *objects]
    return table
