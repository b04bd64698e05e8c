"""A session over many samples with the calls of the original toolkit: next, get_scribbles, submit_masks."""

from __future__ import annotations

import json
import random
import secrets
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd

from civos_siaf.benchmark.clock import Clock, WallClock
from civos_siaf.benchmark.dataset import DavisDataset
from civos_siaf.benchmark.metrics import LabelVideo
from civos_siaf.benchmark.report import REPORT, Report, original_csv, read_report, rows_of
from civos_siaf.benchmark.rounds import SampleRounds
from civos_siaf.benchmark.rules import Rules
from civos_siaf.benchmark.samples import all_samples
from civos_siaf.benchmark.scribbles import Scribbles
from civos_siaf.benchmark.summary import Summary, summarise
from civos_siaf.next_frame import NextFrame
from civos_siaf.runtime.files import write_text


class InteractiveSession:
    """Plays all samples of a data set; scripts written for the original toolkit keep their loop.

    >>> session = InteractiveSession(DavisDataset(), rules=Rules(max_rounds=1))
    >>> for sequence, scribbles, new_sample in session.scribbles_iterator():
    ...     session.submit_masks(session.dataset.annotations(sequence))
    >>> session.summary().at_60s
    1.0

    Args:
        dataset: sequences, truth, first scribbles.
        rules: the protocol.
        clock: the time.
        folder: where `report.csv` is written as rounds are played; None: nowhere. A session begins anew, as
            the original's does, so the folder must not hold rounds of another one.
        session_id: first column of the report; random when None.
        shuffle: play the samples in random order (seeded by `random`).
        next_frame: chooses the frames that the robot annotates next; None: the worst. Of the session it knows
            the masks only.

    Raises:
        ValueError: the folder's report holds rounds already.
    """

    def __init__(
        self,
        dataset: DavisDataset,
        *,
        rules: Rules | None = None,
        clock: Clock | None = None,
        folder: Path | None = None,
        session_id: str | None = None,
        shuffle: bool = False,
        next_frame: NextFrame | None = None,
    ) -> None:
        self.dataset = dataset
        self.rules = rules or Rules()
        self.clock = clock or WallClock()
        self.samples = all_samples(map(dataset.info, dataset.sequences), self.rules.frames_per_round)
        if shuffle:
            random.shuffle(self.samples)
        self.session_id = session_id or secrets.token_hex(32)
        _refuse_used(folder)
        self._report = Report(folder)
        self._next_frame = next_frame
        self._pending = iter(self.samples)
        self._current: SampleRounds | None = None
        self._new_sample = False
        self._ended = False

    def __enter__(self) -> InteractiveSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def next(self) -> bool:
        """Go on: True while there is something to segment. Opens the next sample when one is over."""
        if self._current is None or self._current.over:
            if self._current is not None:
                self._report.finish(self._current.sample.key)
            sample = next(self._pending, None)
            self._current = None
            if sample is not None:
                self._current = SampleRounds(
                    self.dataset, sample, rules=self.rules, clock=self.clock, next_frame=self._next_frame
                )
            self._new_sample = True
            self._ended = sample is None
        return not self._ended

    def get_scribbles(self, only_last: bool = False) -> tuple[str, Scribbles, bool]:
        """The sequence, its scribbles (all so far, or the last round's), and whether the sample is new.

        Raises:
            RuntimeError: before `next`, after the end, or twice without masks in between.
        """
        current = self._playing()
        scribbles = current.hand_out(only_last=only_last)
        new, self._new_sample = self._new_sample, False
        return current.sample.sequence, scribbles, new

    def submit_masks(
        self, masks: LabelVideo, next_scribble_frame_candidates: Sequence[int] | None = None
    ) -> None:
        """Hand in labels (T, H, W) for the scribbles received; a warning when the time was up.

        Raises:
            RuntimeError: without scribbles before.
            ValueError: masks of another shape or type.
            IndexError: with the rules' published quirks, candidates that are all outside the video.
        """
        current = self._playing()
        before = current.scores
        try:
            if current.submit(masks, next_scribble_frame_candidates) is None:
                warnings.warn(f"{current.sample.sequence}: out of time, masks not scored", stacklevel=2)
        finally:
            if current.scores is not None and current.scores is not before:
                self._report.add(rows_of(current.scores, session_id=self.session_id))

    def scribbles_iterator(self, only_last: bool = False) -> Iterator[tuple[str, Scribbles, bool]]:
        """`get_scribbles` for as long as `next` goes on."""
        while self.next():
            yield self.get_scribbles(only_last)

    @property
    def current(self) -> SampleRounds | None:
        """The sample being played."""
        return self._current

    def report(self) -> pd.DataFrame:
        """All rows so far."""
        return self._report.table()

    def report_csv(self) -> str:
        """The report as the original toolkit writes it."""
        return original_csv(self._report.table())

    def summary(self, metric: str | None = None) -> Summary:
        """The results so far; samples not yet played count 0."""
        return summarise(
            self._report.table(),
            self.samples,
            metric=metric or self.rules.metric,
            max_rounds=self.rules.max_rounds,
            time_limit=self.rules.time_limit,
        )

    def get_report(self) -> pd.DataFrame:
        """The rows so far, under the original's name."""
        return self.report()

    def get_global_summary(self, save_file: Path | str | None = None) -> dict[str, Any]:
        """The original toolkit's summary, written as JSON if a file is named; empty before the end."""
        summary = self.summary().original() if self._ended else {}
        if save_file is not None:
            write_text(save_file, json.dumps(summary))
        return summary

    def _playing(self) -> SampleRounds:
        if self._current is None:
            raise RuntimeError("the session has ended" if self._ended else "call next() first")
        return self._current


def _refuse_used(folder: Path | None) -> None:
    if folder is None or not (folder / REPORT).exists():
        return
    if rows := len(read_report(folder / REPORT, partial=True)):
        raise ValueError(
            f"{folder / REPORT} holds {rows} rows of an earlier session, which would count in this one; "
            "choose another folder, or remove this one"
        )
