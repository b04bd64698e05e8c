"""The rounds of one video: prompts, masks on the prompted frames, masks everywhere, and back again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.interaction.frame_interaction import FrameInteraction, FrameView, paint_view
from civos_siaf.masks import one_hot
from civos_siaf.methods.history import History
from civos_siaf.methods.prompt_check import check_prompts
from civos_siaf.methods.prompt_precedence import apply_mask_prompts, effective_prompts, split_effective
from civos_siaf.networks.padding import Padding
from civos_siaf.prompts import MaskPrompt, Prompt, Prompts
from civos_siaf.propagation.images import FrameImages
from civos_siaf.protocol import Arrived, Labels, LabelVideo, Progress, no_frame_callback, no_progress
from civos_siaf.video.frames import Frames
from civos_siaf.video.motion import FrameMotion

Taken = Literal["first", "last", "all"]


class VideoMasks(Protocol):
    """The masks of a video; see `civos_siaf.propagation.mask_store.MaskStore`."""

    def prob(self, frame: int) -> Tensor:
        """Probabilities (K+1, H', W') on the CPU."""

    def labels(self, frame: int) -> NDArray[np.uint8]:
        """Labels (H', W')."""

    def video(self) -> LabelVideo:
        """Labels (T, H, W) of all frames."""


class RoundPropagator(Protocol):
    """What spreads masks round after round; see `civos_siaf.propagation.propagator.Propagator`."""

    padding: Padding
    images: FrameImages

    @property
    def num_objects(self) -> int:
        """K."""

    @property
    def masks(self) -> VideoMasks:
        """Those of every frame."""

    def add_objects(self, count: int = 1) -> None:
        """Make room for further objects."""

    def annotate(
        self,
        prob: Tensor,
        frame: int,
        progress: Progress = no_progress,
        *,
        arrived: Arrived = no_frame_callback,
        coming: Collection[int] = (),
    ) -> None:
        """Annotate a frame with (K+1, H, W) or padded masks and spread them; `coming` are the next ones."""

    def show(self, prob: Tensor, frame: int) -> None:
        """Show masks on a frame without spreading them."""

    def snapshot(self) -> Any:
        """The state now."""

    def restore(self, state: Any) -> None:
        """Everything as it was."""


@runtime_checkable
class Repropagator(Protocol):
    """A propagator that can spread all annotated frames anew."""

    @property
    def annotated(self) -> tuple[int, ...]:
        """The annotated frames in order of annotation."""

    def repropagate(self, progress: Progress = no_progress, *, arrived: Arrived = no_frame_callback) -> None:
        """Spread the masks of all annotated frames anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRules:
    """How rounds are played.

    Args:
        propagate_after: numbers of the rounds, from 0, whose masks are propagated; in the others only the
            prompted frames change, and the same frames are asked for again. Rounds after the last number are
            all propagated. None: every round is.
        taken: of the frames in one call of `interact`, the first, the last, or all.
        remember_prompts: prompts of earlier rounds on the same frame count again, but for those of an object
            that came before a mask of it.
        max_undo: how many steps can be undone.
        retry_below: a propagated round after the first that changes a smaller share of the labels, although
            its prompts say that something is wrong, spreads all annotated frames anew, if the propagator can.
            0: never (published).

    Raises:
        ValueError: another choice of frames, or not a share.
    """

    propagate_after: tuple[int, ...] | None = None
    taken: Taken = "all"
    remember_prompts: bool = False
    max_undo: int = 3
    retry_below: float = 0.0

    def __post_init__(self) -> None:
        if self.taken not in ("first", "last", "all"):
            raise ValueError(f"taken must be first, last or all, got {self.taken!r}")
        if not 0 <= self.retry_below <= 1:
            raise ValueError(f"retry_below must be in [0, 1], got {self.retry_below}")
        if self.propagate_after is not None:
            object.__setattr__(self, "propagate_after", tuple(self.propagate_after))

    def propagates(self, number: int) -> bool:
        """Whether round `number`, from 0, is propagated."""
        rounds = self.propagate_after
        return not rounds or number in rounds or number > max(rounds)

    def choose(self, frames: Collection[int]) -> list[int]:
        """The frames that count."""
        ordered = sorted(frames)
        return {"first": ordered[:1], "last": ordered[-1:], "all": ordered}[self.taken]


@dataclass(frozen=True, slots=True, eq=False)
class _RoundState:
    """All that interactions and rounds change.

    Attributes:
        propagator: its state.
        calls: prompts of this round by frame.
        earlier: those of rounds before that count again.
        masks: this round's masks of the prompted frames.
        number: how many rounds there were.
        wanted: frames that the next prompts should be on; None: any.
    """

    propagator: Any
    calls: dict[int, tuple[Prompts, ...]] = field(default_factory=dict)
    earlier: dict[int, tuple[Prompts, ...]] = field(default_factory=dict)
    masks: dict[int, Tensor] = field(default_factory=dict)
    number: int = 0
    wanted: tuple[int, ...] | None = None


class RoundSession:
    """A video segmented by one interaction and one propagation; see `civos_siaf.protocol.Session`.

    Args:
        frames: the video.
        interaction: makes masks on prompted frames.
        propagator: spreads them.
        rules: how rounds are played.
    """

    streams = True

    def __init__(
        self, frames: Frames, interaction: FrameInteraction, propagator: RoundPropagator, rules: RoundRules
    ) -> None:
        self.frames = frames
        self._motion = FrameMotion(frames)
        self.interaction = interaction
        self.propagator = propagator
        self.rules = rules
        self._now = _RoundState(propagator.snapshot())
        self._history: History[_RoundState] = History(rules.max_undo)

    @property
    def num_objects(self) -> int:
        """K."""
        return self.propagator.num_objects

    @property
    def accepts(self) -> tuple[type[Prompt], ...]:
        """The kinds of prompts that it takes."""
        return (*self.interaction.accepts, MaskPrompt)

    @property
    def wanted_frames(self) -> tuple[int, ...] | None:
        """Frames that the next prompts should be on, among which a robot chooses; None: any."""
        return self._now.wanted

    def probabilities(self, frame: int) -> Tensor:
        """Those of a frame after the last round, (K+1, H, W) on the CPU, index 0 = background."""
        return self.propagator.padding.crop(self.propagator.masks.prob(frame))

    def add_objects(self, count: int = 1) -> None:
        """Further objects, K+1 and so on; a step of its own for `undo`.

        They appear where masks with them are propagated, not on frames annotated before.
        """
        self._history.before_step(self._now)
        self.propagator.add_objects(count)
        self._now = replace(self._now, propagator=self.propagator.snapshot())

    def interact(self, prompts: Prompts) -> dict[int, Labels]:
        """Masks of the prompted frames; prompts given since the last `propagate` add up.

        A mask takes the place of its object, and of the clicks and strokes on it before; those that come
        after correct it.

        Raises:
            ValueError: a frame or object that does not exist, or a kind of prompt that is not understood.
        """
        check_prompts(prompts, self.interaction.accepts, self.frames, num_objects=self.num_objects)
        chosen = self.rules.choose(prompts.frames)
        if not chosen:
            return {}
        before = self._now
        calls = dict(before.calls)
        for frame in chosen:
            calls[frame] = (*calls.get(frame, ()), prompts.on(frame))
        masks = before.masks | {frame: self._masks(frame, calls[frame]) for frame in chosen}
        self._history.before_interaction(before)
        self._now = replace(before, calls=calls, masks=masks)
        return {frame: self._labels(masks[frame]) for frame in chosen}

    def propagate(
        self, progress: Progress = no_progress, *, arrived: Arrived = no_frame_callback
    ) -> LabelVideo:
        """Labels (T, H, W) of every frame; without prompts in this round nothing changes.

        Args:
            progress: called after every visited frame.
            arrived: sees labels as they are found; a frame can come again, once for every annotated one.
        """
        masks, number = self._now.masks, self._now.number
        if not masks:
            return self.propagator.masks.video()
        propagates = self.rules.propagates(number)
        start = self.propagator.snapshot()
        again = self.propagator if isinstance(self.propagator, Repropagator) else None
        retries = again is not None and self.rules.retry_below > 0 and bool(again.annotated)
        before = self.propagator.masks.video() if retries else None
        try:
            frames = sorted(masks)
            for place, frame in enumerate(frames):
                mask = with_objects(masks[frame], self.num_objects)
                if propagates:
                    part = _part(progress, place, len(masks))
                    coming = frames[place + 1 :]
                    self.propagator.annotate(mask, frame, part, arrived=arrived, coming=coming)
                else:
                    self.propagator.show(mask, frame)
            labels = self.propagator.masks.video()
            if propagates and again is not None and self._stuck(before, labels):
                again.repropagate(progress, arrived=arrived)
                labels = self.propagator.masks.video()
        except BaseException:
            self.propagator.restore(start)
            raise
        self._now = _RoundState(
            self.propagator.snapshot(),
            earlier=self._remembered() if self.rules.remember_prompts else {},
            number=number + 1,
            wanted=None if propagates else tuple(sorted(masks)),
        )
        self._history.end_round()
        return labels

    def _stuck(self, before: LabelVideo | None, labels: LabelVideo) -> bool:
        """Whether a round changed next to nothing."""
        if before is None:
            return False
        changed = sum(int((old != new).sum()) for old, new in zip(before, labels, strict=True))
        return changed < self.rules.retry_below * labels.size

    def undo(self) -> None:
        """Back to before the last `interact`, or before the last round if that was propagated.

        Raises:
            IndexError: nothing is left to undo.
        """
        self._now = self._history.back()
        self.propagator.restore(self._now.propagator)

    def resume(self, state: Any) -> None:
        """Go on from a state of the propagator; nothing before can be undone."""
        self.propagator.restore(state)
        self._now = _RoundState(self.propagator.snapshot())
        self._history = History(self.rules.max_undo)

    def _masks(self, frame: int, calls: tuple[Prompts, ...]) -> Tensor:
        """Masks (K+1, H, W) or padded of a frame, from the state before this round and its masks."""
        propagator = self.propagator
        view = FrameView(
            index=frame,
            rgb=self.frames[frame],
            image=propagator.images[frame],
            padding=propagator.padding,
            prob=propagator.masks.prob(frame),
            labels=propagator.masks.labels(frame),
            find_motion=self._motion,
        )
        given = [item for prompts in calls for item in prompts.masks]
        view = paint_view(view, given) if given else view
        counted = split_effective((*self._now.earlier.get(frame, ()), *calls))
        if counted.has_marks:
            masks = self.interaction.predict(view, counted.marks)
        else:
            masks = torch.from_numpy(one_hot(view.labels, self.num_objects)).float()
        return apply_mask_prompts(masks, counted.held, propagator.padding) if counted.held else masks

    def _remembered(self) -> dict[int, tuple[Prompts, ...]]:
        """The prompts of this round and those before that count in later ones."""
        now = self._now
        joined = {frame: (*now.earlier.get(frame, ()), *own) for frame, own in now.calls.items()}
        return now.earlier | {frame: effective_prompts(calls) for frame, calls in joined.items()}

    def _labels(self, masks: Tensor) -> Labels:
        padding = self.propagator.padding
        inside = padding.crop(masks) if tuple(masks.shape[1:]) == padding.size else masks
        return np.asarray(inside.argmax(dim=0).to(torch.uint8).cpu().numpy())


def with_objects(masks: Tensor, num_objects: int) -> Tensor:
    """Masks (K+1, H, W) of `num_objects` objects; those that came later are nowhere."""
    return F.pad(masks, (0, 0, 0, 0, 0, num_objects + 1 - len(masks)))


def _part(progress: Progress, place: int, parts: int) -> Progress:
    """Progress of one of several equal parts."""
    return lambda done, total: progress(place * total + done, parts * total)
