"""Ours and the original, side by side on the same input."""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from civos_siaf.benchmark.clock import ManualClock
from civos_siaf.benchmark.dataset import DavisDataset
from civos_siaf.benchmark.metrics import f_measure, jaccard
from civos_siaf.benchmark.robot import ScribbleRobot
from civos_siaf.benchmark.rules import Rules, TimeLimit
from civos_siaf.benchmark.scribbles import ScribbleLine, Scribbles, annotated_frames
from civos_siaf.benchmark.session import InteractiveSession
from civos_siaf.benchmark.summary import COLUMN_OF
from tests.original.client import OriginalSession, OriginalToolkit

LabelVideo = NDArray[np.uint8]
METRIC_TOLERANCE = 1e-12
PATH_TOLERANCE = 1e-9
KERNEL_SIZE = 0.2
NEIGHBOUR_ORDER = "equal once the original's neighbour lists are sorted"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing compared: ok when equal within the tolerance, or different for a known reason."""

    name: str
    difference: float
    tolerance: float
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether this is as it should be."""
        return self.difference <= self.tolerance or bool(self.reason)

    def __str__(self) -> str:
        verdict = "ok" if self.difference <= self.tolerance else "known" if self.reason else "DIFFERENT"
        return f"{self.name:<64} {self.difference:>9.3g}  {verdict}  {self.reason}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The limits under which a session is compared."""

    name: str
    max_rounds: int | None
    seconds_per_object: float | None
    metric: str
    candidates: tuple[int, ...] | None = None


SETTINGS = (
    Setting(name="published", max_rounds=8, seconds_per_object=240, metric="J_AND_F"),
    Setting(name="time runs out", max_rounds=None, seconds_per_object=9, metric="J"),
    Setting(
        name="candidates",
        max_rounds=4,
        seconds_per_object=None,
        metric="F",
        candidates=(4, 2, 0, 1),
    ),
)


def made_labels(seed: int, *, num_frames: int = 3, height: int = 90, width: int = 140) -> LabelVideo:
    """Smooth random label maps (T, H, W) of three objects."""
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal((4, num_frames, height, width))
    scores = ndimage.gaussian_filter(scores, (0, 1, 7, 7))
    scores[0] += 0.4 * scores.std()
    return np.asarray(np.argmax(scores, axis=0), dtype=np.uint8)


def compare_metrics_and_robot(toolkit: OriginalToolkit, seeds: range) -> Iterator[Comparison]:
    """J, F and the robot on random label maps: a truth against its warped self, and against another."""
    robot = ScribbleRobot()
    for seed in seeds:
        truth = made_labels(seed)
        prediction = np.roll(truth, (3, 5), (1, 2)) if seed % 2 else made_labels(seed + 1000)
        ours = jaccard(truth, prediction, 3), f_measure(truth, prediction, 3)
        for name, a, b in zip("JF", ours, toolkit.metrics(truth, prediction, 3), strict=True):
            yield Comparison(f"metrics {seed} {name}", float(np.abs(a - b).max()), METRIC_TOLERANCE)
        ask = partial(_ask_robot, toolkit, truth, prediction, 1)
        strokes = robot.draw(truth[1], prediction[1], 3)
        lines = [(stroke.object_id, stroke.path) for stroke in strokes]
        yield from compare_lines(f"robot {seed}", lines, ask(), partial(ask, sorted_neighbours=True))


def compare_lines(
    name: str,
    ours: list[tuple[int, NDArray[np.float64]]],
    theirs: list[ScribbleLine],
    ask_sorted: Callable[[], list[ScribbleLine]],
) -> Iterator[Comparison]:
    """Objects and number of lines, then each line.

    The original's answer depends on the order in which a k-d tree lists neighbours. A line that differs is
    asked for again with those lists sorted, and must then be equal.
    """
    same = [object_id for object_id, _ in ours] == [line["object_id"] for line in theirs]
    yield Comparison(f"{name} objects of the lines", 0.0 if same else np.inf, 0.0)
    for number, ((_, path), line) in enumerate(zip(ours, theirs, strict=False)):
        difference, reason = _difference(path, line), ""
        if difference > PATH_TOLERANCE and _difference(path, ask_sorted()[number]) <= PATH_TOLERANCE:
            reason = NEIGHBOUR_ORDER
        yield Comparison(f"{name} line {number}", difference, PATH_TOLERANCE, reason)


def _difference(path: NDArray[np.float64], line: ScribbleLine) -> float:
    other = np.array(line["path"])
    return float(np.abs(path - other).max()) if path.shape == other.shape else np.inf


def _ask_robot(
    toolkit: OriginalToolkit,
    truth: LabelVideo,
    prediction: LabelVideo,
    frame: int,
    *,
    sorted_neighbours: bool = False,
) -> list[ScribbleLine]:
    scribbles = toolkit.robot(
        truth,
        prediction,
        num_objects=int(truth.max()),
        frame=frame,
        sorted_neighbours=sorted_neighbours,
        kernel_size=KERNEL_SIZE,
    )
    return scribbles["scribbles"][frame]


def compare_session(
    toolkit: OriginalToolkit, dataset: DavisDataset, setting: Setting
) -> Iterator[Comparison]:
    """A whole session of both, with the same stand-in for a method."""
    # The original always writes a report.
    with tempfile.TemporaryDirectory(prefix="davisinteractive-") as reports:
        yield from _play_both(toolkit, dataset, setting, reports)


def _play_both(
    toolkit: OriginalToolkit, dataset: DavisDataset, setting: Setting, reports: str
) -> Iterator[Comparison]:
    ours = InteractiveSession(
        dataset,
        rules=Rules(
            max_rounds=setting.max_rounds,
            time_limit=_limit(setting.seconds_per_object),
            metric=setting.metric,
        ),
        clock=(clock := ManualClock(1000.0)),
        session_id="c" * 64,
    )
    theirs = OriginalSession(
        toolkit,
        davis_root=dataset.root,
        table={name: dataset.info(name) for name in dataset.sequences},
        start=1000.0,
        session_key="c" * 64,
        subset="val",
        max_nb_interactions=setting.max_rounds,
        max_time=setting.seconds_per_object,
        metric_to_optimize=setting.metric,
        report_save_dir=reports,
    )
    number, masks = 0, np.zeros(0, np.uint8)
    while True:
        goes_on = ours.next(), theirs.next()
        yield _equal(f"{setting.name}: round {number} goes on", *goes_on)
        if not all(goes_on):
            break
        sequence, scribbles, new = ours.get_scribbles(only_last=True)
        other_sequence, other, other_new = theirs.get_scribbles(only_last=True)
        yield _equal(f"{setting.name}: round {number} sample", (sequence, new), (other_sequence, other_new))
        ask = partial(_ask_robot, toolkit, dataset.annotations(sequence), masks)
        yield from _compare_scribbles(f"{setting.name}: round {number}", scribbles, other, ask)
        masks = stand_in(dataset.annotations(sequence), annotated_frames(scribbles), number)
        for side in (clock, theirs):
            side.advance(2.0 + number % 3)
        candidates = list(setting.candidates) if setting.candidates else None
        _submit_both(ours, theirs, masks, candidates)
        for side in (clock, theirs):
            side.advance(0.5)
        number += 1
    yield from _compare_ends(setting, ours, theirs)


def stand_in(truth: LabelVideo, prompted: list[int], number: int) -> LabelVideo:
    """Masks as a method might give them: right where prompted, eroded and shifted elsewhere."""
    size = max(1, 9 - 2 * (number % 5))
    masks = np.zeros_like(truth)
    for k in range(1, int(truth.max()) + 1):
        for t, labels in enumerate(truth):
            masks[t][cv2.erode((labels == k).view(np.uint8), np.ones((size, size))) > 0] = k
    masks = np.roll(masks, (number % 3, 4 - number % 4), (1, 2))
    masks[prompted] = truth[prompted]
    return masks


def _submit_both(
    ours: InteractiveSession, theirs: OriginalSession, masks: LabelVideo, candidates: list[int] | None
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # out of time: seen by both, compared by what follows
        ours.submit_masks(masks, candidates)
    theirs.submit_masks(masks, candidates)


def _compare_scribbles(
    name: str, ours: Scribbles, theirs: Scribbles, ask: Callable[..., list[ScribbleLine]]
) -> Iterator[Comparison]:
    """Scribbles of a round; `ask` asks the robot about a frame of the masks that led to them."""
    yield _equal(f"{name} annotated frames", annotated_frames(ours), annotated_frames(theirs))
    for frame, (a, b) in enumerate(zip(ours["scribbles"], theirs["scribbles"], strict=True)):
        lines = [(line["object_id"], np.array(line["path"])) for line in a]
        yield from compare_lines(name, lines, b, partial(ask, frame, sorted_neighbours=True))


def _compare_ends(
    setting: Setting, ours: InteractiveSession, theirs: OriginalSession
) -> Iterator[Comparison]:
    tables = [pd.read_csv(io.StringIO(text)) for text in (ours.report_csv(), theirs.report_csv())]
    yield _equal(f"{setting.name}: report rows", *(len(table) for table in tables))
    for column in [*COLUMN_OF.values(), "timing"]:
        a, b = (table[column].to_numpy() for table in tables)
        yield Comparison(f"{setting.name}: report {column}", float(np.abs(a - b).max()), METRIC_TOLERANCE)
    a, b = ours.summary().original(), theirs.summary()
    yield Comparison(f"{setting.name}: AUC", abs(a["auc"] - b["auc"]), METRIC_TOLERANCE)
    for key in ("time", setting.metric):
        difference = np.abs(np.array(a["curve"][key]) - np.array(b["curve"][key])).max()
        yield Comparison(f"{setting.name}: curve {key}", float(difference), METRIC_TOLERANCE)


def _equal(name: str, ours: object, theirs: object) -> Comparison:
    return Comparison(name, 0.0 if ours == theirs else np.inf, 0.0)


def _limit(seconds: float | None) -> TimeLimit | None:
    return None if seconds is None else TimeLimit(seconds_per_object=seconds)
