"""Playing a method against the robot: every sample, round after round, resumable and in parts."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from civos_siaf.benchmark import scribbles as davis
from civos_siaf.benchmark.clicks import AnnotatedFrame, ClickStrategy
from civos_siaf.benchmark.clock import Clock, ManualClock, WallClock
from civos_siaf.benchmark.dataset import DavisDataset
from civos_siaf.benchmark.report import Report, rows_of
from civos_siaf.benchmark.results import merge_shards, write_results
from civos_siaf.benchmark.rounds import RoundScores, SampleRounds, SessionFacts
from civos_siaf.benchmark.rules import Rules
from civos_siaf.benchmark.run_record import RunRecord
from civos_siaf.benchmark.samples import Sample, Shard, all_samples
from civos_siaf.benchmark.scribbles import Scribbles
from civos_siaf.benchmark.summary import Summary, summarise
from civos_siaf.next_frame import NextFrame, WorstFrame
from civos_siaf.next_frame.confidences import Confidences
from civos_siaf.prompts import Prompts
from civos_siaf.protocol import Labels, Method, Session
from civos_siaf.video.frames import Frames

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlayedRound:
    """What happened in one round.

    Attributes:
        sample: which sample.
        round: its number, from 1.
        frames: the video.
        prompts: what the method was given; empty when nothing was left to correct.
        masks: the labels (T, H, W) it handed in.
        scores: None when they came too late to be scored.
        over: whether this was the sample's last round.
    """

    sample: Sample
    round: int
    frames: Frames
    prompts: Prompts
    masks: NDArray[np.uint8]
    scores: RoundScores | None
    over: bool


class Evaluation:
    """One evaluation of one method.

    Args:
        method: anything with the calls of `civos_siaf.protocol.Method`.
        dataset: what it is evaluated on.
        rules: the protocol.
        clicks: turns the robot's scribbles into clicks; None: the method gets the scribbles.
        clock: the time. A method's seconds run from the moment the scribbles are ready to the moment its
            masks are handed in, and so include making the clicks; opening the video is not in them.
        folder: where the report and results go; None: memory only. A folder with an unfinished run of the
            same settings is continued.
        shard: the part of the samples that this process plays.
        about: what tells this method from others of its class, such as its configuration and the hashes of
            its weights; JSON. None: the numbers and texts in its attributes, and a hash of its networks and
            arrays. A hash of its source is noted in any case.
        next_frame: chooses the frames that the robot annotates next; None: the worst.
        warm_up: play the first round of the first sample once before the clock starts. On GPUs, and of
            compiled networks, the first calls take longer, which is no property of a method.

    Attributes:
        finished_before: the folder holds all of this process's samples already: nothing is to be played.
        record: settings and environment; of the run that was begun here, if there is one.

    Raises:
        ValueError: the folder holds a run with other settings or of another method; the message says which.
    """

    def __init__(
        self,
        method: Method,
        dataset: DavisDataset,
        *,
        rules: Rules | None = None,
        clicks: ClickStrategy | None = None,
        clock: Clock | None = None,
        folder: Path | str | None = None,
        shard: Shard | None = None,
        about: Mapping[str, Any] | None = None,
        next_frame: NextFrame | None = None,
        warm_up: bool = False,
    ) -> None:
        self.method = method
        self.dataset = dataset
        self.rules = rules or Rules()
        self.clicks = clicks
        self.clock = clock or WallClock()
        self.folder = Path(folder) if folder is not None else None
        self.shard = shard or Shard()
        self.next_frame: NextFrame = next_frame or WorstFrame()
        self.warm_up = warm_up
        self.samples = all_samples(map(dataset.info, dataset.sequences), self.rules.frames_per_round)
        record = RunRecord.of(
            method=method,
            dataset=dataset,
            rules=self.rules,
            clicks=clicks,
            clock=self.clock,
            samples=self.samples,
            about=about,
            next_frame=self.next_frame,
        )
        own = self._own_folder()
        self.record = record.write(own) if own is not None else record
        self._report = Report(own)
        self.finished_before = bool(self._report.finished) and not self.remaining
        if self._report.finished:
            _log.warning(
                "%s holds %d finished samples of this evaluation (%s): they are not played again",
                self.folder,
                len(self._report.finished),
                self.record.origin,
            )
        self._latest = _latest_scores(self._report.table())

    @property
    def remaining(self) -> list[Sample]:
        """This process's samples that are still to be played."""
        return [s for s in self.shard.of(self.samples) if s.key not in self._report.finished]

    def play(self) -> Iterator[PlayedRound]:
        """Play the remaining samples, yielding each round once it is reported; then write the results."""
        if self.warm_up and self.remaining:
            self._warm_up(self.remaining[0])
        for sample in self.remaining:
            _log.info("%s %s: %d objects", sample.sequence, sample.label, sample.info.num_objects)
            yield from self._play_sample(sample)
            self._report.finish(sample.key)
        if self.folder is not None:
            if self.shard.count > 1:
                merge_shards(self.folder)
            else:
                write_results(self.folder)

    @property
    def running_score(self) -> float:
        """Mean J&F over the objects of all samples seen so far, after their last rounds; NaN before any."""
        return float(np.mean(np.concatenate(list(self._latest.values())))) if self._latest else float("nan")

    def summary(self) -> Summary:
        """The results over this process's samples; those not yet played count 0."""
        return summarise(
            self._report.table(),
            self.shard.of(self.samples),
            metric=self.rules.metric,
            max_rounds=self.rules.max_rounds,
            time_limit=self.rules.time_limit,
        )

    def _own_folder(self) -> Path | None:
        if self.folder is None or self.shard.count == 1:
            return self.folder
        return self.folder / "shards" / f"{self.shard.index}-of-{self.shard.count}"

    def _warm_up(self, sample: Sample) -> None:
        """Play the first round of a sample and forget it."""
        rounds = SampleRounds(
            self.dataset, sample, rules=self.rules, clock=ManualClock(), next_frame=self.next_frame
        )
        nothing = np.zeros((sample.info.num_frames, sample.info.height, sample.info.width), np.uint8)
        prompts = self._prompts(rounds, rounds.hand_out(), nothing)
        session = self.method.open(self.dataset.frames(sample.sequence), num_objects=sample.info.num_objects)
        if prompts:
            self._segment(session, prompts, nothing, SessionFacts())

    def _play_sample(self, sample: Sample) -> Iterator[PlayedRound]:
        rounds = SampleRounds(
            self.dataset, sample, rules=self.rules, clock=self.clock, next_frame=self.next_frame
        )
        frames = self.dataset.frames(sample.sequence)
        session = self.method.open(frames, num_objects=sample.info.num_objects)
        masks = np.zeros((sample.info.num_frames, sample.info.height, sample.info.width), np.uint8)
        facts = SessionFacts(probabilities=getattr(session, "probabilities", None))
        while not rounds.over:
            scribbles = rounds.hand_out()
            prompts = self._prompts(rounds, scribbles, masks)
            if prompts:  # with nothing to correct, the masks of the round before stand
                masks, facts = self._segment(session, prompts, masks, facts)
            scores = rounds.submit(masks, getattr(session, "wanted_frames", None), facts=facts)
            if scores is not None:
                self._latest[sample.key] = scores.j_and_f.mean(axis=0)
                self._report.add(
                    rows_of(
                        scores,
                        session_id=self.record.session_id,
                        clicks=len(prompts.clicks),
                        strokes=len(prompts.scribbles),
                    )
                )
            yield PlayedRound(
                sample=sample,
                round=rounds.round,
                frames=frames,
                prompts=prompts,
                masks=masks,
                scores=scores,
                over=rounds.over,
            )

    def _segment(
        self, session: Session, prompts: Prompts, before: NDArray[np.uint8], facts: SessionFacts
    ) -> tuple[NDArray[np.uint8], SessionFacts]:
        """Play a round; confidences are asked for only where they are used, as they take time."""
        session.interact(prompts)
        if not ("confidences" in self.next_frame.needs and getattr(session, "streams", False)):
            return session.propagate(), facts
        found = Confidences(len(before), facts.confidences)

        def arrived(frame: int, labels: Labels, confidence: float | None = None) -> None:
            found.give(frame, confidence)

        streaming: Any = session
        masks: NDArray[np.uint8] = streaming.propagate(arrived=arrived)
        confidences = found.finish(lambda frame: bool(np.array_equal(before[frame], masks[frame])))
        return masks, replace(facts, confidences=confidences)

    def _prompts(self, rounds: SampleRounds, scribbles: Scribbles, masks: NDArray[np.uint8]) -> Prompts:
        info = rounds.sample.info
        if self.clicks is None:
            return davis.to_prompts(scribbles, height=info.height, width=info.width)
        clicks = [
            click
            for frame in davis.annotated_frames(scribbles)
            for click in self.clicks(
                AnnotatedFrame(
                    index=frame,
                    lines=scribbles["scribbles"][frame],
                    truth=rounds.truth[frame],
                    prediction=masks[frame],
                    first_round=rounds.round == 0,
                    num_objects=info.num_objects,
                )
            )
        ]
        return Prompts(tuple(clicks))


def _latest_scores(table: pd.DataFrame) -> dict[tuple[str, str], NDArray[np.float64]]:
    """J&F of each object after the last round of each sample in a report."""
    scores = {}
    for key, rows in table.groupby(["sequence", "scribble_idx"]):
        last = rows[rows["interaction"] == rows["interaction"].max()]
        scores[key] = last.groupby("object_id")["j_and_f"].mean().to_numpy()
    return scores


def evaluate(
    method: Method,
    dataset: DavisDataset,
    *,
    rules: Rules | None = None,
    clicks: ClickStrategy | None = None,
    clock: Clock | None = None,
    folder: Path | str | None = None,
    about: Mapping[str, Any] | None = None,
    next_frame: NextFrame | None = None,
) -> Summary:
    """Play a whole evaluation and return its summary; arguments and errors as for `Evaluation`.

    What a folder holds of the same run is not played again, which a warning of `logging` says. A method whose
    source, values or weights have changed since is refused there.

    >>> class Nothing:
    ...     def open(self, frames, *, num_objects):
    ...         self.labels = np.zeros((len(frames), frames.height, frames.width), np.uint8)
    ...         return self
    ...     def interact(self, prompts):
    ...         return {frame: self.labels[frame] for frame in prompts.frames}
    ...     def propagate(self):
    ...         return self.labels
    >>> evaluate(Nothing(), DavisDataset(), rules=Rules(max_rounds=2)).r_auc
    0.0
    """
    evaluation = Evaluation(
        method,
        dataset,
        rules=rules,
        clicks=clicks,
        clock=clock,
        folder=folder,
        about=about,
        next_frame=next_frame,
    )
    for _ in evaluation.play():
        pass
    return evaluation.summary()
