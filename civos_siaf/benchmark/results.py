"""From a finished report to files that people read: summary.json, summary.md, curves.png."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from civos_siaf.benchmark.markdown import TITLES, markdown
from civos_siaf.benchmark.report import JOURNAL, REPORT, finished_samples, read_report
from civos_siaf.benchmark.run_record import FILE_NAME, RunRecord
from civos_siaf.benchmark.summary import Summary, summarise
from civos_siaf.runtime.files import atomic_path, write_text


def plot_curves(summaries: Mapping[str, Summary], path: Path | str) -> None:
    """Draw J&F (and J, F when there is one run) after each round, and over the time used, as a PNG.

    Args:
        summaries: runs by name.
        path: the PNG file.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    by_round, by_time = figure.subplots(1, 2, sharey=True)
    for name, summary in summaries.items():
        for metric in TITLES if len(summaries) == 1 else ("J_AND_F",):
            curve = summary.curves[metric]
            label = " ".join(filter(None, (name, TITLES[metric])))
            style = {"marker": "o", "markersize": 3.5, "linewidth": 2 if metric == "J_AND_F" else 1}
            n = summary.rounds
            by_round.plot(range(1, n + 1), curve.values[1 : n + 1], label=label, **style)
            if metric == "J_AND_F" and len(summaries) == 1 and summary.annotated:
                rounds = range(1, len(summary.annotated) + 1)
                by_round.plot(rounds, summary.annotated, "k:", label="J&F, annotated frames", linewidth=1)
            by_time.plot(curve.seconds[: n + 1], curve.values[: n + 1], label=label, **style)
    by_round.set(xlabel="round", ylabel="mean over objects", ylim=(0, 1.02))
    by_round.xaxis.get_major_locator().set_params(integer=True)
    by_time.set(xlabel="seconds used (mean over samples)")
    if all(curve.curves["J_AND_F"].seconds[-2] < 60 for curve in summaries.values()):
        by_time.margins(x=0.05)
    else:
        by_time.axvline(60, color="grey", linewidth=1, linestyle=":")
    for axes in (by_round, by_time):
        axes.grid(alpha=0.3)
    by_round.legend(loc="lower right")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)


def write_results(folder: Path | str) -> Summary:
    """Summarise the report of a folder and write `summary.json`, `summary.md` and `curves.png` beside it.

    Raises:
        FileNotFoundError: no run or no report in the folder.
        ValueError: samples are still to be played.
    """
    folder = Path(folder)
    record = RunRecord.read(folder)
    finished = finished_samples(folder)
    if missing := [sample.key for sample in record.samples if sample.key not in finished]:
        raise ValueError(f"{folder}: {len(missing)} samples are not finished, the first is {missing[0]}")
    summary = summarise(
        read_report(folder / REPORT),
        record.samples,
        metric=record.metric,
        max_rounds=record.max_rounds,
        time_limit=record.time_limit,
    )
    content = {**as_dict(summary), "settings": record.settings, "environment": record.environment}
    write_text(folder / "summary.json", json.dumps(_finite(content), indent=1) + "\n")
    write_text(folder / "summary.md", markdown(summary, record))
    plot_curves({"": summary}, folder / "curves.png")
    return summary


def as_dict(summary: Summary) -> dict[str, Any]:
    """All numbers of a summary."""
    return {
        "metric": summary.metric,
        "rounds": summary.rounds,
        "metrics": {
            name: {
                "auc": curve.auc,
                "r_auc": curve.r_auc,
                "r_auc_normalised": curve.r_auc_normalised,
                "at_60s": curve.at(60.0),
                "seconds": list(curve.seconds),
                "values": list(curve.values),
            }
            for name, curve in summary.curves.items()
        },
        "seconds_per_round": list(summary.round_seconds),
        "clicks_per_round": list(summary.clicks),
        "strokes_per_round": list(summary.strokes),
        "annotated_frames_j_and_f": list(summary.annotated),
        "samples_not_improved": list(summary.not_improved),
        "per_sequence": {name: list(values) for name, values in summary.per_sequence.items()},
    }


def merge_shards(folder: Path | str, parts: Sequence[Path] | None = None) -> Summary | None:
    """Join the reports of several processes and write the results; None while parts are unfinished.

    Args:
        folder: the run's folder; receives the joined report.
        parts: the folders of all parts; None: those below `folder/shards`.

    Raises:
        FileNotFoundError: a part without a run, or no parts at all.
        ValueError: parts of different runs, or samples that none of the parts has played although all parts
            given by hand are there.
    """
    folder = Path(folder)
    found = list(parts) if parts is not None else _shards(folder)
    if not found:
        raise FileNotFoundError(f"no parts of an evaluation below {folder / 'shards'}")
    records = [RunRecord.read(part) for part in found]
    for part, record in zip(found, records, strict=True):
        if changed := records[0].differences(record):
            raise ValueError(
                f"the parts are of different evaluations: {part} and {found[0]} ({'; '.join(changed)})"
            )
    samples = records[0].samples
    finished = set[tuple[str, str]]().union(*map(finished_samples, found))
    if missing := [sample.key for sample in samples if sample.key not in finished]:
        if parts is not None:
            raise ValueError(f"{len(missing)} samples are in none of the parts, the first is {missing[0]}")
        return None
    table = _in_sample_order(pd.concat([read_report(part / REPORT) for part in found]), samples)
    records[0].write(folder)
    with atomic_path(folder / REPORT) as path:
        table.to_csv(path, index=False, lineterminator="\n")
    write_text(folder / JOURNAL, "".join(json.dumps(sample.key) + "\n" for sample in samples))
    return write_results(folder)


def _shards(folder: Path) -> list[Path]:
    parts = [path for path in (folder / "shards").glob("*-of-*") if re.fullmatch(r"\d+-of-\d+", path.name)]
    # A part that another process has just begun is not written down yet.
    parts = [part for part in parts if (part / FILE_NAME).is_file()]
    counts = {int(part.name.split("-")[-1]) for part in parts}
    if len(counts) > 1:
        raise ValueError(f"{folder / 'shards'}: parts of different splittings, {sorted(counts)}")
    return sorted(parts, key=lambda part: int(part.name.split("-")[0]))


def _in_sample_order(table: pd.DataFrame, samples: Sequence[Any]) -> pd.DataFrame:
    place = {sample.key: index for index, sample in enumerate(samples)}
    order = [place[key] for key in zip(table["sequence"], table["scribble_idx"], strict=True)]
    return table.assign(_order=order).sort_values("_order", kind="stable").drop(columns="_order")


def _finite(value: Any) -> Any:
    """NaN as null: JSON has no other way to say it."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_finite(entry) for entry in value]
    return value
