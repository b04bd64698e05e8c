"""What the prompts of a round make of their frames in SIAF (docs/specification/siaf.md section 2)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from civos_siaf.interaction.across_frame_interaction import PromptedFrame
from civos_siaf.interaction.clicked_labels import ClickedLabels
from civos_siaf.interaction.frame_interaction import paint_labels
from civos_siaf.interaction.local_change import limit_change_to_strokes
from civos_siaf.interaction.scribbled_labels import StrokeLabels
from civos_siaf.methods.siaf_state import Clicked, SessionState
from civos_siaf.prompts import Click, MaskPrompt, Prompt, Prompts, Scribble
from civos_siaf.propagation.label_store import unpack
from civos_siaf.protocol import Labels
from civos_siaf.video.frames import Frames
from civos_siaf.video.motion import FrameMotion


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionRules:
    """What counts beside the prompts of a call; as published nothing does.

    Attributes:
        remember: earlier strokes and clicks on the same frame count again, but for those before a mask of
            their object.
        context: how many other frames that were drawn on before are seen with them, the nearest ones, with
            all that was drawn there and the labels that they have.
        local: a correction changes only regions that touch its strokes.

    Raises:
        ValueError: a negative number of frames.
    """

    remember: bool = False
    context: int = 0
    local: bool = False

    def __post_init__(self) -> None:
        if self.context < 0:
            raise ValueError(f"context must be 0 or more frames, got {self.context}")


class SiafInteraction:
    """Labels of prompted frames of one video: strokes of all frames together, clicks alone frame by frame.

    Args:
        frames: the video.
        strokes: makes labels of frames with strokes, and of all others where there is no `clicks`. None: no
            strokes are taken.
        clicks: makes labels of frames that have clicks alone.
        rules: of what counts beside the new prompts.
    """

    def __init__(
        self,
        frames: Frames,
        strokes: StrokeLabels | None,
        clicks: ClickedLabels | None,
        rules: InteractionRules,
    ) -> None:
        self.frames = frames
        self._motion = FrameMotion(frames)
        self.strokes = strokes
        self.clicks = clicks
        self.rules = rules

    @property
    def accepts(self) -> tuple[type[Prompt], ...]:
        """The kinds of prompts that are understood."""
        strokes = () if self.strokes is None else self.strokes.accepts
        clicks = () if self.clicks is None or Click in strokes else (Click,)
        return (*strokes, *clicks, MaskPrompt)

    def answer(self, prompts: Prompts, before: SessionState) -> SessionState:
        """The moment after these prompts, which are not empty; masks come last."""
        named = before.named | {number for number in prompts.object_ids if number > 0}
        clicked = {
            frame: self._clicked(frame, prompts.on(frame).clicks, before)
            for frame in prompts.frames
            if self._is_clicked(prompts.on(frame))
        }
        num_objects = before.propagator.num_objects
        found = self._answer_clicks(clicked, num_objects)
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
            drawn=before.drawn | self._drawn(prompts, before),
        )

    def seen(self, frame: int, moment: SessionState) -> Labels | None:
        """What is shown on a frame; None before the first round has reached it."""
        if frame in moment.shown:
            return moment.shown[frame]
        packed = moment.propagator.labels[frame]
        return None if packed is None else unpack(packed, self.frames.size)

    @staticmethod
    def _drawn(prompts: Prompts, before: SessionState) -> dict[int, Prompts]:
        """Strokes and clicks of the prompted frames that no mask of their object has replaced."""
        drawn = {}
        for frame in prompts.frames:
            own = prompts.on(frame)
            earlier = before.drawn.get(frame, Prompts())
            masked = {item.object_id for item in own.masks}
            marks = tuple(item for item in earlier + _marks(own) if item.object_id not in masked)
            if earlier or marks:
                drawn[frame] = Prompts(marks)
        return drawn

    def _is_clicked(self, prompts: Prompts) -> bool:
        return self.clicks is not None and all(isinstance(item, Click) for item in prompts)

    def _clicked(self, frame: int, clicks: tuple[Click, ...], before: SessionState) -> Clicked:
        """These clicks and those that they follow."""
        last = before.clicked.get(frame)
        if last is None:
            return Clicked(self.seen(frame, before), clicks)
        every = (*last.clicks, *clicks)
        if frame not in before.shown:
            return Clicked(self.seen(frame, before), every)
        changed = {click.object_id for click in clicks}
        return Clicked(last.before, every, {k: own for k, own in last.found.items() if k not in changed})

    def _answer_clicks(self, clicked: dict[int, Clicked], num_objects: int) -> dict[int, Labels]:
        """Labels of clicked frames; what they come from is put into `clicked`."""
        if self.clicks is None:
            return {}
        labels = {}
        for frame, own in list(clicked.items()):
            labels[frame], found = self.clicks.predict(
                self.frames[frame],
                own.clicks,
                num_objects=num_objects,
                before=own.before,
                found=own.found,
                find_motion=partial(self._motion, frame),
            )
            clicked[frame] = replace(own, found=found)
        return labels

    def _drawn_labels(
        self,
        drawn: list[int],
        prompts: Prompts,
        clicked: dict[int, Labels],
        before: SessionState,
        named: Collection[int],
    ) -> dict[int, Labels]:
        """Labels of frames with strokes; others tell what they know, but keep their labels."""
        others = sorted(set(before.drawn) - {*drawn, *clicked}, key=lambda t: min(abs(t - s) for s in drawn))
        views = [
            PromptedFrame(
                self.frames[t], self._counting(t, prompts, before), clicked.get(t, self.seen(t, before))
            )
            for t in (*drawn, *clicked, *others[: self.rules.context])
        ]
        num_objects = before.propagator.num_objects
        assert self.strokes is not None  # no other prompts are accepted
        labels = self.strokes.predict(views, num_objects=num_objects, objects=named)
        found = dict(zip(drawn, labels, strict=False))
        return {t: self._changed(t, labels, prompts.on(t), before) for t, labels in found.items()}

    def _counting(self, frame: int, prompts: Prompts, before: SessionState) -> Prompts:
        """The strokes and clicks of a frame that count now."""
        new = _marks(prompts.on(frame))
        return before.drawn.get(frame, Prompts()) + new if self.rules.remember or not new else new

    def _changed(self, frame: int, labels: Labels, prompts: Prompts, before: SessionState) -> Labels:
        """The labels of a frame after a correction."""
        seen = self.seen(frame, before)
        if seen is None or not self.rules.local:
            return labels
        return limit_change_to_strokes(
            seen, labels, _marks(prompts), new=before.named - self._known_before(frame, before)
        )

    def _known(
        self,
        frame: int,
        prompts: Prompts,
        before: SessionState,
        named: frozenset[int],
        clicked: Clicked | None,
    ) -> frozenset[int]:
        """Objects whose place on a frame is known after these prompts."""
        if clicked is None and _has_marks(prompts):
            return named
        clicks = () if clicked is None else clicked.clicks
        return self._known_before(frame, before) | {item.object_id for item in (*prompts, *clicks)}

    @staticmethod
    def _known_before(frame: int, before: SessionState) -> frozenset[int]:
        if frame in before.known:
            return before.known[frame]
        return before.named if before.propagator.labels[frame] is not None else frozenset()


def _has_marks(prompts: Prompts) -> bool:
    return any(isinstance(item, Scribble | Click) for item in prompts)


def _marks(prompts: Prompts) -> Prompts:
    return Prompts(tuple(item for item in prompts if not isinstance(item, MaskPrompt)))
