"""SIAF: strokes on several frames at once, many objects in one pass (spec siaf)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np

from civos_siaf.frames import Frames
from civos_siaf.interaction.frame_masks import paint_labels
from civos_siaf.interaction.frames_labels import FramesLabels, PromptedFrame
from civos_siaf.interaction.frames_network import FramesNetwork
from civos_siaf.interaction.predictor import Precision
from civos_siaf.methods.history import History
from civos_siaf.methods.prompt_check import check_prompts
from civos_siaf.networks.identity_network import IdentityNetwork
from civos_siaf.prompts import MaskPrompt, Prompts
from civos_siaf.propagation.aot_propagator import AotPropagator, AotState
from civos_siaf.propagation.settings import AotSettings
from civos_siaf.protocol import Labels, LabelVideo, Progress, ignore


class SIAF:
    """Across-frame interaction, and propagation by AOT from the frames of all rounds.

    Prompts are strokes, clicks (dots) and masks, on any number of frames in a round; frames prompted in one
    call of `interact` are segmented together. Calling it again corrects what is shown.

    Args:
        interaction: segments prompted frames, such as `networks.afi.Afi`, in eval mode.
        propagation: spreads their masks, in eval mode.
        settings: of the propagation.
        interaction_short: shorter side of prompted frames as their network sees them at most; None: as they
            are.
        interaction_precision: "fp32", or autocast to "bf16" or "fp16".
        max_undo: how many rounds can be undone.
    """

    def __init__(
        self,
        interaction: FramesNetwork,
        propagation: IdentityNetwork,
        *,
        settings: AotSettings | None = None,
        interaction_short: int | None = None,
        interaction_precision: Precision = "fp32",
        max_undo: int = 3,
    ) -> None:
        self.interaction = FramesLabels(
            interaction, max_short=interaction_short, precision=interaction_precision
        )
        self.propagation = propagation
        self.settings = settings or AotSettings()
        self.max_undo = max_undo

    def open(self, frames: Frames, *, num_objects: int) -> SiafSession:
        """Start on a video with objects 1..num_objects."""
        propagator = AotPropagator(self.propagation, frames, num_objects=num_objects, settings=self.settings)
        return SiafSession(frames, self.interaction, propagator, max_undo=self.max_undo)


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    """All that interactions and rounds change.

    Attributes:
        propagator: its state.
        shown: this round's labels of the prompted frames.
        named: objects that were prompted so far; the others cannot be anywhere.
    """

    propagator: AotState
    shown: dict[int, Labels] = field(default_factory=dict)
    named: frozenset[int] = frozenset()


class SiafSession:
    """A video segmented by SIAF; see `civos_siaf.protocol.Session`.

    Args:
        frames: the video.
        interaction: makes labels of prompted frames.
        propagator: spreads them.
        max_undo: how many rounds can be undone.
    """

    wanted_frames: tuple[int, ...] | None = None
    """Prompts may come on any frames."""

    def __init__(
        self, frames: Frames, interaction: FramesLabels, propagator: AotPropagator, *, max_undo: int = 3
    ) -> None:
        self.frames = frames
        self.interaction = interaction
        self.propagator = propagator
        self._now = _Moment(propagator.snapshot())
        self._history: History[_Moment] = History(max_undo)

    @property
    def num_objects(self) -> int:
        """K."""
        return self.propagator.num_objects

    def add_objects(self, count: int = 1) -> None:
        """Further objects, K+1 and so on; a step of its own for `undo`.

        Once they are prompted, they also come to the frames annotated before, where these are background.

        Raises:
            RuntimeError: this round has prompts already.
        """
        if self._now.shown:
            raise RuntimeError("propagate or undo this round's prompts before adding objects")
        self._history.before_step(self._now)
        self.propagator.add_objects(count)
        self._now = replace(self._now, propagator=self.propagator.snapshot())

    def interact(self, prompts: Prompts) -> dict[int, Labels]:
        """Labels of the prompted frames, found together, from what is shown on them and these prompts.

        Raises:
            ValueError: a frame or object that does not exist, or a kind of prompt that is not understood.
        """
        check_prompts(prompts, self.interaction.accepts, self.frames, num_objects=self.num_objects)
        if not prompts:
            return {}
        before = self._now
        named = before.named | {number for number in prompts.object_ids if number > 0}
        found = self._predict(prompts, named)
        for frame in prompts.frames:
            if painted := prompts.on(frame).masks:
                found[frame] = self._painted(frame, found.get(frame), painted)
        self._history.before_interaction(before)
        self._now = replace(before, shown=before.shown | found, named=named)
        return {frame: found[frame].copy() for frame in prompts.frames}

    def propagate(self, progress: Progress = ignore) -> LabelVideo:
        """Labels (T, H, W) of every frame; without prompts in this round nothing changes."""
        now = self._now
        if not now.shown:
            return self.propagator.labels.video()
        try:
            for frame, labels in sorted(now.shown.items()):
                self.propagator.annotate(frame, labels, objects=now.named)
            video = self.propagator.propagate(progress)
        except BaseException:
            self.propagator.restore(now.propagator)
            raise
        self._now = _Moment(self.propagator.snapshot(), named=now.named)
        self._history.end_round()
        return video

    def undo(self) -> None:
        """Back to before the last `interact`, or before the last round if that was propagated.

        Raises:
            IndexError: nothing is left to undo.
        """
        self._now = self._history.back()
        self.propagator.restore(self._now.propagator)

    def _seen(self, frame: int) -> Labels | None:
        """What is shown on a frame now; None before the first round has reached it."""
        return self._now.shown.get(frame, self.propagator.labels[frame])

    def _predict(self, prompts: Prompts, named: Collection[int]) -> dict[int, Labels]:
        """Labels of the frames that have strokes or clicks."""
        drawn = Prompts(tuple(item for item in prompts if not isinstance(item, MaskPrompt)))
        if not drawn:
            return {}
        views = [PromptedFrame(self.frames[t], drawn.on(t), self._seen(t)) for t in drawn.frames]
        labels = self.interaction.predict(views, num_objects=self.num_objects, objects=named)
        return dict(zip(drawn.frames, labels, strict=True))

    def _painted(self, frame: int, labels: Labels | None, masks: tuple[MaskPrompt, ...]) -> Labels:
        if labels is None:
            labels = self._seen(frame)
        return paint_labels(np.zeros(self.frames.size, np.uint8) if labels is None else labels, masks)
