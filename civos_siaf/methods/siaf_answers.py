"""What the prompts of a round make of their frames in SIAF (spec siaf 2)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from civos_siaf.frames import Frames
from civos_siaf.interaction.clicked_labels import ClickedLabels
from civos_siaf.interaction.frame_masks import paint_labels
from civos_siaf.interaction.frames_labels import FramesLabels, PromptedFrame
from civos_siaf.methods.siaf_moment import Clicked, Moment
from civos_siaf.prompts import Click, MaskPrompt, Prompt, Prompts, Scribble
from civos_siaf.propagation.label_store import unpack
from civos_siaf.protocol import Labels


class SiafAnswers:
    """Labels of prompted frames of one video: strokes of all frames together, clicks alone frame by frame.

    Args:
        frames: the video.
        strokes: makes labels of frames with strokes, and of all others where there is no `clicks`.
        clicks: makes labels of frames that have clicks alone.
    """

    def __init__(self, frames: Frames, strokes: FramesLabels, clicks: ClickedLabels | None) -> None:
        self.frames = frames
        self.strokes = strokes
        self.clicks = clicks

    @property
    def accepts(self) -> tuple[type[Prompt], ...]:
        """The kinds of prompts that are understood."""
        return (*self.strokes.accepts, MaskPrompt)

    def answer(self, prompts: Prompts, before: Moment) -> Moment:
        """The moment after these prompts, which are not empty."""
        named = before.named | {number for number in prompts.object_ids if number > 0}
        clicked = {
            frame: self._clicked(frame, prompts.on(frame).clicks, before)
            for frame in prompts.frames
            if self._is_clicked(prompts.on(frame))
        }
        num_objects = before.propagator.num_objects
        found = self._clicked_labels(clicked, num_objects)
        drawn = [t for t in prompts.frames if t not in clicked and _has_marks(prompts.on(t))]
        if drawn:
            found |= self._drawn_labels(drawn, prompts, found, before, named)
        for frame in prompts.frames:
            if painted := prompts.on(frame).masks:
                labels = found.get(frame, self.seen(frame, before))
                start = np.zeros(self.frames.size, np.uint8) if labels is None else labels
                found[frame] = paint_labels(start, painted)
        kept = {frame: own for frame, own in before.clicked.items() if frame not in found}
        known = {
            frame: self._known(frame, prompts.on(frame), before, named, clicked.get(frame)) for frame in found
        }
        return replace(
            before,
            shown=before.shown | found,
            known=before.known | known,
            named=named,
            clicked=kept | clicked,
        )

    def seen(self, frame: int, moment: Moment) -> Labels | None:
        """What is shown on a frame; None before the first round has reached it."""
        packed = moment.propagator.labels[frame]
        last = None if packed is None else unpack(packed, self.frames.size)
        return moment.shown.get(frame, last)

    def _is_clicked(self, prompts: Prompts) -> bool:
        return self.clicks is not None and all(isinstance(item, Click) for item in prompts)

    def _clicked(self, frame: int, clicks: tuple[Click, ...], before: Moment) -> Clicked:
        """These clicks and those that they follow."""
        last = before.clicked.get(frame)
        if last is None:
            return Clicked(self.seen(frame, before), clicks)
        start = last.before if frame in before.shown else self.seen(frame, before)
        return Clicked(start, (*last.clicks, *clicks))

    def _clicked_labels(self, clicked: dict[int, Clicked], num_objects: int) -> dict[int, Labels]:
        if self.clicks is None:
            return {}
        return {
            frame: self.clicks.predict(
                self.frames[frame], own.clicks, num_objects=num_objects, before=own.before
            )
            for frame, own in clicked.items()
        }

    def _drawn_labels(
        self,
        drawn: list[int],
        prompts: Prompts,
        clicked: dict[int, Labels],
        before: Moment,
        named: Collection[int],
    ) -> dict[int, Labels]:
        """Labels of frames with strokes; clicked frames tell what they know, but keep their labels."""
        views = [
            PromptedFrame(self.frames[t], _marks(prompts.on(t)), clicked.get(t, self.seen(t, before)))
            for t in (*drawn, *clicked)
        ]
        num_objects = before.propagator.num_objects
        labels = self.strokes.predict(views, num_objects=num_objects, objects=named)
        return dict(zip(drawn, labels, strict=False))

    def _known(
        self, frame: int, prompts: Prompts, before: Moment, named: frozenset[int], clicked: Clicked | None
    ) -> frozenset[int]:
        """Objects whose place on a frame is known after these prompts."""
        if clicked is None and _has_marks(prompts):
            return named
        if frame in before.known:
            last = before.known[frame]
        else:
            last = before.named if before.propagator.labels[frame] is not None else frozenset()
        clicks = () if clicked is None else clicked.clicks
        return last | {item.object_id for item in (*prompts, *clicks)}


def _has_marks(prompts: Prompts) -> bool:
    return any(isinstance(item, Scribble | Click) for item in prompts)


def _marks(prompts: Prompts) -> Prompts:
    return Prompts(tuple(item for item in prompts if not isinstance(item, MaskPrompt)))
