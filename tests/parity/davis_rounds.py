"""Summaries, R-AUC and whole sessions against the original DAVIS interactive toolkit."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from civos_siaf.benchmark.clock import ManualClock
from civos_siaf.benchmark.dataset import DavisDataset, mini_root
from civos_siaf.benchmark.report import COLUMNS, read_report
from civos_siaf.benchmark.rules import Rules, TimeLimit
from civos_siaf.benchmark.samples import Sample, all_samples
from civos_siaf.benchmark.session import InteractiveSession
from civos_siaf.benchmark.summary import COLUMN_OF, Summary, complete, summarise
from civos_siaf.benchmark.table import SequenceInfo
from tests.parity.check import Check, Folder

SUMMARY_TOLERANCE = 1e-12
METRIC_TOLERANCE = 1e-12
PATH_TOLERANCE = 1e-9
AUC_TOLERANCE = 1e-9


def check_summaries(folder: Folder) -> Iterator[Check]:
    """`report.csv`, its completion, and all its summaries."""
    recorded = folder.json("summary.json")
    report = read_report(folder.file("report.csv"))
    samples = all_samples(_infos(recorded["sequences"]).values())
    yield from _check_completion(folder, report, samples)
    for entry in recorded["summaries"]:
        metric, n, seconds = entry["metric"], entry["max_nb_interactions"], entry["max_time_per_object"]
        summary = summarise(report, samples, metric=metric, max_rounds=n, time_limit=_limit(seconds))
        name = f"summary/{n} rounds, {seconds} s/{metric}"
        yield from _check_summary(name, summary, entry["global_summary"])
        if "auc" in entry["r_auc"].get("unrounded", ()):
            reference = entry["r_auc"]["unrounded"]["auc"]
            yield Check.compare(f"{name}/R-AUC", summary.r_auc, reference, tolerance=SUMMARY_TOLERANCE)
            rounded = entry["r_auc"]["rounded_2"]["auc"]
            yield Check.compare(f"{name}/R-AUC rounded", round(summary.r_auc, 2), rounded)
    nothing = pd.DataFrame(columns=list(COLUMNS))
    for key, limit in (("empty_report_without_max_time", None), ("empty_report_with_max_time_240", 240.0)):
        entry = recorded[key]
        rounds = len(entry["curve"]["time"]) - 2
        summary = summarise(
            nothing, samples, metric=_metric(entry), max_rounds=rounds, time_limit=_limit(limit)
        )
        yield from _check_summary(f"summary/{key}", summary, entry)


def _check_completion(folder: Folder, report: pd.DataFrame, samples: list[Sample]) -> Iterator[Check]:
    reference = pd.read_csv(folder.file("report_reconstructed.csv"))
    n = int(reference["interaction"].max())
    grid = complete(report, samples, n)
    triples = [(s.sequence, int(s.label), k + 1) for s in samples for k in range(s.info.num_objects)]
    index = reference.set_index(["interaction", "sequence", "scribble_idx", "object_id"])
    for column in [*COLUMN_OF.values(), "timing"]:
        expected = [[index.loc[(i + 1, *triple), column] for i in range(n)] for triple in triples]
        yield Check.compare(f"completion/{column}", grid[column], expected, tolerance=SUMMARY_TOLERANCE)


def _check_summary(name: str, summary: Summary, reference: dict[str, Any]) -> Iterator[Check]:
    metric = _metric(reference)
    ours = summary.original(metric)
    pairs = {
        "AUC": (ours["auc"], reference["auc"]),
        "at 60 s": (ours["metric_at_threshold"][metric], reference["metric_at_threshold"][metric]),
        "time": (ours["curve"]["time"], reference["curve"]["time"]),
        "values": (ours["curve"][metric], reference["curve"][metric]),
    }
    for title, (value, expected) in pairs.items():
        yield Check.compare(f"{name}/{title}", _floats(value), _floats(expected), tolerance=SUMMARY_TOLERANCE)


def check_auc(folder: Folder) -> Iterator[Check]:
    """`auc.json`: R-AUC, AUC and J&F at 60 s of a report made by the recipe in the file."""
    recorded = folder.json("auc.json")
    recipe = recorded["recipe"]
    infos = [
        SequenceInfo(name, recipe["frames"], 1, 1, objects, recipe["num_scribbles"])
        for name, objects in zip(recipe["sequences"], recipe["num_objects"], strict=True)
    ]
    limits = {"full": {}, "timeout": _round_limits(recipe["timeout_variant"])}
    for variant, last_round in limits.items():
        report = _made_report(infos, recipe, last_round)
        summary = summarise(
            report,
            all_samples(infos),
            max_rounds=recipe["rounds"],
            time_limit=TimeLimit(seconds_per_object=recipe["max_time_per_object"]),
        )
        curve = summary.curves["J_AND_F"]
        ours: dict[str, Any] = {
            "r_auc": summary.r_auc,
            "auc": summary.auc,
            "jf_at_60": summary.at_60s,
            "curve": curve.values,
            "time": curve.seconds,
        }
        for key, value in ours.items():
            expected = recorded[variant][key]
            yield Check.compare(f"auc/{variant}/{key}", value, expected, tolerance=AUC_TOLERANCE)


def _round_limits(variant: Mapping[str, str]) -> dict[tuple[str, int], int]:
    """ "gold-fish scribble 2": "only rounds 1..3 submitted" as the last round played by sample."""
    limits = {}
    for key, text in variant.items():
        sequence, number = key.split(" scribble ")
        rounds = re.search(r"1\.\.(\d+)", text)
        limits[sequence, int(number)] = int(rounds[1]) if rounds else 0
    return limits


def _made_report(
    infos: list[SequenceInfo], recipe: dict[str, Any], last_round: Mapping[tuple[str, int], int]
) -> pd.DataFrame:
    rows = []
    for info in infos:
        for scribble in range(1, info.scribble_sets + 1):
            for r in range(1, last_round.get((info.name, scribble), recipe["rounds"]) + 1):
                for k in range(1, info.num_objects + 1):
                    for frame in range(info.num_frames):
                        v = ((len(info.name) * 7 + scribble * 3 + k * 5 + frame) % 11) / 40
                        j, f = round(0.5 + 0.05 * r - v / 4, 6), round(0.55 + 0.04 * r - v / 5, 6)
                        seconds = round(3.0 + 0.25 * r + 0.1 * scribble, 6)
                        row = ("made", info.name, str(scribble), r, k, frame, j, f, (j + f) / 2, seconds)
                        rows.append((*row, 0, 0, ""))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def check_sessions(folder: Folder) -> Iterator[Check]:
    """Whole sessions, driven with the recorded masks."""
    recorded, arrays = folder.json("session.json"), folder.arrays("session.npz")
    beside = folder.path / "mini" / "DAVIS"
    dataset = DavisDataset(
        beside if beside.is_dir() else mini_root(),
        sequences=recorded["sets"]["val"],
        table=_infos(recorded["dataset_table"]),
    )
    for trace in recorded["traces"]:
        yield from _check_trace(folder, trace, arrays, dataset)


def _check_trace(
    folder: Folder, trace: dict[str, Any], arrays: dict[str, Any], dataset: DavisDataset
) -> Iterator[Check]:
    arguments, name = trace["session_arguments"], f"session {trace['name']}"
    clock = ManualClock(1000.0)
    session = InteractiveSession(
        dataset,
        rules=Rules(
            max_rounds=arguments["max_nb_interactions"],
            time_limit=_limit(arguments["max_time"]),
            metric=arguments["metric_to_optimize"],
            published_quirks=True,
        ),
        clock=clock,
        session_id="05" * 32,
    )
    yield Check.equal(
        f"{name}/samples", [[s.sequence, int(s.label)] for s in session.samples], trace["samples"]
    )
    for number, played in enumerate(trace["rounds"]):
        label = f"{name}/{number:03d} {played['sample'][0]} {played['sample'][1]} round {played['round']}"
        yield Check.equal(f"{label}/goes on", session.next(), True)
        sequence, scribbles, new = session.get_scribbles(arguments["only_last"])
        yield Check.equal(f"{label}/sample", (sequence, new), (played["sample"][0], played["new_sequence"]))
        yield from _check_lines(label, scribbles["scribbles"], played, arrays)
        clock.advance(played["model_seconds"])
        error = _submit(session, arrays[played["submitted_masks"]], arguments)
        yield Check.equal(f"{label}/error", error, _error_of(played))
        yield from _check_scores(label, session, played)
        clock.advance(trace["seconds_between_submit_and_next"])
    yield Check.equal(f"{name}/ends", session.next(), False)
    report = folder.file(f"session_{trace['name']}_report.csv").read_text()
    yield from _check_report(name, session.report_csv(), report)
    yield from _check_summary(f"{name}/summary", session.summary(), trace["global_summary"])


def _submit(session: InteractiveSession, masks: Any, arguments: dict[str, Any]) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            session.submit_masks(masks, arguments["next_scribble_frame_candidates"])
    except IndexError:
        return "IndexError"
    return None


def _error_of(played: dict[str, Any]) -> str | None:
    raised = played.get("submit_raises")
    return str(raised).split(":")[0] if raised else None


def _check_lines(
    label: str, frames: list[list[Any]], played: dict[str, Any], arrays: dict[str, Any]
) -> Iterator[Check]:
    lines = [(frame, line) for frame, lines in enumerate(frames) for line in lines]
    expected = sorted(played["handed_out"], key=lambda line: line["frame"])
    heads = [(frame, line["object_id"], len(line["path"])) for frame, line in lines]
    wanted = [(line["frame"], line["object_id"], line["points"]) for line in expected]
    yield Check.equal(f"{label}/lines", heads, wanted)
    for index, ((_, line), reference) in enumerate(zip(lines, expected, strict=False)):
        if reference["path_key"] is None:
            continue
        ours = np.array(line["path"])
        key = reference["path_key"]
        checks = [
            Check.compare(f"{label}/line {index}", ours, arrays[name], tolerance=PATH_TOLERANCE, note=note)
            for name, note in ((key, ""), (f"alt_{key}", "with sorted neighbours"))
            if name in arrays
        ]
        yield min(checks, key=lambda check: check.error)
        times = line["start_time"], line["end_time"]
        yield Check.compare(f"{label}/times {index}", times, (reference["start_time"], reference["end_time"]))


def _check_scores(label: str, session: InteractiveSession, played: dict[str, Any]) -> Iterator[Check]:
    current = session.current
    assert current is not None
    if not played["report_rows_added"]:
        return
    assert current.scores is not None
    for name, ours in (("J", current.scores.j), ("F", current.scores.f)):
        expected = played[f"mean_{name}_per_frame"]
        yield Check.compare(f"{label}/{name}", ours.mean(axis=1), expected, tolerance=METRIC_TOLERANCE)
    chosen = played["frames_chosen_by_the_robot_so_far_in_this_sample"]
    yield Check.equal(f"{label}/frames", sorted(current.used_frames), sorted(set(chosen)))


def _check_report(name: str, ours: str, reference: str) -> Iterator[Check]:
    yield Check.equal(f"{name}/report, to the byte", ours == reference, True)
    a, b = pd.read_csv(io.StringIO(ours)), pd.read_csv(io.StringIO(reference))
    yield Check.equal(f"{name}/report columns", list(a.columns), list(b.columns))
    for column in b.columns:
        if b[column].dtype.kind in "if":
            yield Check.compare(f"{name}/report {column}", a[column], b[column], tolerance=METRIC_TOLERANCE)
        else:
            yield Check.equal(f"{name}/report {column}", list(a[column]), list(b[column]))


def _infos(table: Mapping[str, Mapping[str, Any]]) -> dict[str, SequenceInfo]:
    return {
        name: SequenceInfo(
            name,
            facts["num_frames"],
            facts["image_size"][1],
            facts["image_size"][0],
            facts["num_objects"],
            facts["num_scribbles"],
        )
        for name, facts in table.items()
    }


def _limit(seconds: float | None) -> TimeLimit | None:
    return None if seconds is None else TimeLimit(seconds_per_object=seconds)


def _metric(summary: Mapping[str, Any]) -> str:
    return next(str(key) for key in summary["metric_at_threshold"] if key != "threshold")


def _floats(values: Any) -> Any:
    """Numbers with null as NaN."""
    if isinstance(values, list):
        return [math.nan if value is None else value for value in values]
    return math.nan if values is None else values
