"""The rounds of one sample: scribbles out, masks in, scores, the next frames.

Source: docs/specification/davis-interactive.md sections 4.4, 4.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from civos_siaf.benchmark import scribbles as davis
from civos_siaf.benchmark.clock import Clock
from civos_siaf.benchmark.dataset import DavisDataset
from civos_siaf.benchmark.metrics import LabelVideo, Scores, as_labels, f_measure, jaccard
from civos_siaf.benchmark.rules import Rules
from civos_siaf.benchmark.samples import Sample
from civos_siaf.benchmark.scribbles import Scribbles
from civos_siaf.benchmark.selection import FrameChooser
from civos_siaf.next_frame import FinishedRound, NextFrame, WorstFrame


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoundScores:
    """What one round brought.

    Attributes:
        sample: which sample.
        round: its number, from 1.
        annotated_frames: the frames that carried this round's scribbles.
        j: region similarity (T, K).
        f: boundary measure (T, K).
        seconds: from handing out the scribbles to receiving the masks.
    """

    sample: Sample
    round: int
    annotated_frames: tuple[int, ...]
    j: Scores
    f: Scores
    seconds: float

    @property
    def j_and_f(self) -> Scores:
        """The mean of J and F, (T, K)."""
        return 0.5 * self.j + 0.5 * self.f

    def metric(self, name: str) -> Scores:
        """J, F or J_AND_F, (T, K)."""
        return {"J": self.j, "F": self.f, "J_AND_F": self.j_and_f}[name]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SessionFacts:
    """What a session says beside its masks; see `FinishedRound`."""

    confidences: Sequence[float | None] | None = None
    probabilities: Callable[[int], Any] | None = None


class SampleRounds:
    """Plays the rounds of one sample: `hand_out`, then `submit`, until `over`.

    `round` counts the rounds played, `scores` are those of the last one.

    Args:
        dataset: where truth and first scribbles come from.
        sample: what is played.
        rules: the protocol.
        clock: the time; read when the sample is opened, at every hand-out and submission.
        next_frame: chooses the frames that the robot annotates next; None: the worst.
    """

    def __init__(
        self,
        dataset: DavisDataset,
        sample: Sample,
        *,
        rules: Rules,
        clock: Clock,
        next_frame: NextFrame | None = None,
    ) -> None:
        self.sample = sample
        self.round = 0
        self.scores: RoundScores | None = None
        self._rules = rules
        self._clock = clock
        self._dataset = dataset
        self._begin = clock.now()
        self._handed_out: float | None = None
        self._model_seconds = 0.0
        self._late = False
        self._all: Scribbles | None = None
        self._last: Scribbles | None = None
        self._chooser: FrameChooser | None = None
        self._next_frame: NextFrame = next_frame or WorstFrame()
        self._prompted: tuple[tuple[int, ...], ...] = ()

    @property
    def truth(self) -> NDArray[np.uint8]:
        """The sample's ground truth (T, H, W), for click strategies."""
        return self._dataset.annotations(self.sample.sequence)

    @property
    def over(self) -> bool:
        """Whether the rounds, or the time, are used up."""
        if self._late or self.round == self._rules.max_rounds:
            return True
        return self._limit_passed(self._clock.now(), round_seconds=0.0)

    @property
    def used_frames(self) -> tuple[int, ...]:
        """The frames chosen so far for the robot, in order."""
        return self._chooser.used if self._chooser else ()

    def hand_out(self, *, only_last: bool = True) -> Scribbles:
        """This round's scribbles, or with `only_last` False all of the sample; the clock starts.

        There may be no line at all, when nothing was left to correct.

        Raises:
            RuntimeError: masks for the scribbles before are still missing.
        """
        if self._handed_out is not None:
            raise RuntimeError("hand in masks for the scribbles you have before you ask for others")
        if self._all is None or self._last is None:
            self._all = self._last = self._first_scribbles()
        scribbles = self._as_drawn(davis.copied(self._last if only_last else self._all))
        self._handed_out = self._clock.now()
        return scribbles

    def submit(
        self,
        masks: LabelVideo,
        candidates: Sequence[int] | None = None,
        *,
        facts: SessionFacts | None = None,
    ) -> RoundScores | None:
        """Score the labels (T, H, W) and choose the next frames; None when they came too late.

        Args:
            masks: labels of every frame.
            candidates: frames among which the next ones are chosen; None or empty: all.
            facts: what the session says beside the masks, for choosers of frames that use it.

        Raises:
            RuntimeError: no scribbles were handed out before.
            ValueError: masks of another shape or type; the round can then be submitted again, and no time is
                charged by the clock.
        """
        if self._handed_out is None or self._all is None or self._last is None:
            raise RuntimeError("ask for the scribbles before you hand in masks")
        self._check(masks)
        self._clock.round_done()
        now = self._clock.now()
        labels = as_labels(np.asarray(masks))
        seconds, self._handed_out = now - self._handed_out, None
        self.round += 1
        self._model_seconds += seconds
        if self._limit_passed(now, round_seconds=seconds):
            self._late = True
            return None
        scores = RoundScores(
            sample=self.sample,
            round=self.round,
            annotated_frames=tuple(davis.annotated_frames(self._last)),
            j=jaccard(self.truth, labels, self.sample.info.num_objects),
            f=f_measure(self.truth, labels, self.sample.info.num_objects),
            seconds=seconds,
        )
        self.scores = scores
        self._next_scribbles(labels, scores, candidates, facts or SessionFacts())
        return scores

    def _as_drawn(self, scribbles: Scribbles) -> Scribbles:
        if self._rules.strokes is None:
            return scribbles
        height, width = self.sample.info.height, self.sample.info.width
        return self._rules.strokes(scribbles, height=height, width=width)

    def _first_scribbles(self) -> Scribbles:
        name = self.sample.sequence
        scribbles = davis.empty(name, self.sample.info.num_frames)
        for number in self.sample.scribble_sets:
            scribbles = davis.fuse(scribbles, self._dataset.first_scribbles(name, number))
        first = tuple(davis.annotated_frames(scribbles))
        self._prompted = (first,)
        # The original does not count the frames of the first scribbles as used; SIAF's protocol does.
        used = first if self._rules.frames_per_round > 1 or self._next_frame.first_counts else ()
        self._chooser = FrameChooser(
            self.sample.info.num_frames,
            used=used,
            min_distance=self._rules.min_frame_distance,
            repeats=self._next_frame.repeats,
            published_quirks=self._rules.published_quirks,
        )
        return scribbles

    def _next_scribbles(
        self,
        labels: NDArray[np.uint8],
        scores: RoundScores,
        candidates: Sequence[int] | None,
        facts: SessionFacts,
    ) -> None:
        assert self._chooser is not None
        assert self._all is not None
        finished = FinishedRound(
            num_frames=len(labels),
            labels=labels,
            prompted=self._prompted,
            num_objects=self.sample.info.num_objects,
            confidences=facts.confidences,
            frames=lambda: self._dataset.frames(self.sample.sequence),
            probabilities=facts.probabilities,
            quality=lambda: np.asarray(scores.metric(self._rules.metric).mean(axis=1)),
            count=self._rules.frames_per_round,
            video=" ".join(self.sample.key),
        )
        frames = self._chooser.choose(
            -self._next_frame.priorities(finished), count=finished.count, candidates=candidates
        )
        self._prompted = (*self._prompted, tuple(frames))
        if self.round == self._rules.max_rounds:
            return  # nobody would see the robot's answer
        start = self._clock.now()
        num_objects = self.sample.info.num_objects
        strokes = {t: self._rules.robot.draw(self.truth[t], labels[t], num_objects) for t in frames}
        self._last = davis.from_strokes(
            strokes,
            sequence=self.sample.sequence,
            num_frames=len(labels),
            times=(start, self._clock.now()),
        )
        self._all = davis.fuse(self._all, self._last)

    def _limit_passed(self, now: float, *, round_seconds: float) -> bool:
        limit = self._rules.time_limit
        if limit is None:
            return False
        if limit.scope == "round":
            spent = round_seconds
        elif limit.charge == "method":
            spent = self._model_seconds
        else:
            spent = now - self._begin
        return spent > limit.seconds_per_object * self.sample.info.num_objects

    def _check(self, masks: LabelVideo) -> None:
        """Shape and type only: what takes time comes after the clock is read."""
        if not hasattr(masks, "__array__") or masks.shape != self.truth.shape:
            raise ValueError(
                f"{self.sample.sequence}: masks must be an array {self.truth.shape} (T, H, W), "
                f"got {getattr(masks, 'shape', type(masks).__name__)}"
            )
        as_labels(np.asarray(masks[:0]))
