"""`summary.md`: the results as a page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from civos_siaf.benchmark.environment import available
from civos_siaf.benchmark.run_record import RunRecord
from civos_siaf.benchmark.summary import Summary

TITLES = {"J_AND_F": "J&F", "J": "J", "F": "F"}
ANNOTATED = "J&F, annotated frames, right after their prompts"
NOT_IMPROVED = "samples that the round did not improve"


def markdown(summary: Summary, record: RunRecord) -> str:
    """The results, notes and environment of a run as Markdown."""
    sections = [
        f"# {record.settings['method']}",
        _headline(summary),
        "## Per round",
        _rounds(summary),
        *([_corrections(summary)] if summary.annotated else []),
        "## Per sequence, J&F",
        _sequences(summary),
        "## Notes",
        "\n".join(f"- {note}" for note in notes(record, summary)),
        "## Environment",
        _environment(record),
    ]
    return "\n\n".join(sections) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; numbers with three decimals."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in rows:
        cells = [f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def notes(record: RunRecord, summary: Summary) -> list[str]:
    """What a reader must know to compare the numbers."""
    settings = record.settings
    lines = []
    if without := settings.get("untrained"):
        lines.append(f"**Untrained**: {', '.join(without)}. The scores say nothing about the method.")
    if settings["dataset"]["embedded"]:
        lines.append(
            "Data: the small synthetic set inside the package (2 sequences of 6 frames). "
            "It shows that everything runs; its scores say nothing about a method."
        )
    if note := settings["dataset"].get("note"):
        lines.append(f"Data: {note}")
    drawn = settings["dataset"]["first_scribbles_by_the_robot"]
    if drawn:
        lines.append(
            f"First scribbles of {len(drawn)} of {len({s.sequence for s in record.samples})} sequences were "
            "drawn by the robot on the truth, on the frame that shows most objects and most of them "
            "(no scribble files): not comparable with published numbers."
        )
    clicks = settings["clicks"]
    if clicks:
        options = ", ".join(f"{key}={value}" for key, value in clicks.items() if key != "name")
        lines.append(f"Interaction: clicks, strategy {clicks['name']} ({options}).")
    else:
        lines.append("Interaction: scribbles.")
    frames = settings["rules"]["frames_per_round"]
    if frames > 1:
        lines.append(
            f"{frames} frames per round: round 1 takes {frames} scribble sets together, later rounds "
            "the worst frames not annotated before."
        )
    lines.append(_time_note(record))
    best = (summary.rounds + 0.5) / (summary.rounds + 1)
    lines.append(
        f"R-AUC as published reaches at most {best:.3f} with {summary.rounds} rounds; normalised, at most 1."
    )
    lines.append("Ties between frames of equal quality go to the lowest index.")
    return lines


def _time_note(record: RunRecord) -> str:
    clock, limit = record.settings["clock"], record.time_limit
    if clock["name"] == "FixedClock":
        text = f"Time is not measured: every round is charged {clock['seconds_per_round']} s."
    else:
        text = "Seconds run from handing out the prompts to receiving the masks."
    if limit is None:
        return text + " No time limit; the time axis ends at the slowest round times the number of rounds."
    return text + (
        f" Limit: {limit.seconds_per_object:g} s per object and {limit.scope}, "
        f"{'everything' if limit.charge == 'everything' else 'only the method'} counted."
    )


def _headline(summary: Summary) -> str:
    rows = []
    for name in TITLES:
        curve = summary.curves[name]
        row = (TITLES[name], curve.auc, curve.r_auc, curve.r_auc_normalised, curve.at(60.0), curve.values[-1])
        rows.append(row)
    return table(("metric", "AUC", "R-AUC", "R-AUC normalised", "at 60 s", "last round"), rows)


def _rounds(summary: Summary) -> str:
    seconds = summary.curves["J_AND_F"].seconds
    rows = [
        (
            i,
            *(summary.curves[name].values[i] for name in TITLES),
            summary.round_seconds[i - 1],
            seconds[i],
            summary.clicks[i - 1],
            summary.strokes[i - 1],
        )
        for i in range(1, summary.rounds + 1)
    ]
    return table(("round", "J&F", "J", "F", "seconds", "seconds so far", "clicks", "strokes"), rows)


def _corrections(summary: Summary) -> str:
    """What the prompts of each round achieved, a row each; a round without prompts has a dash."""

    def shown(value: float, form: str) -> str:
        return "-" if math.isnan(value) else format(value, form)

    rows = [
        ("J&F, all frames", *summary.curves["J_AND_F"].values[1 : summary.rounds + 1]),
        (ANNOTATED, *(shown(value, ".3f") for value in summary.annotated)),
        (NOT_IMPROVED, *(shown(value, ".0%") for value in summary.not_improved)),
    ]
    return table(("", *(f"round {i}" for i in range(1, summary.rounds + 1))), rows)


def _sequences(summary: Summary) -> str:
    head = ("sequence", *(f"round {i}" for i in range(1, summary.rounds + 1)))
    return table(head, ((name, *values) for name, values in summary.per_sequence.items()))


def _environment(record: RunRecord) -> str:
    facts = record.environment
    packages = ", ".join(f"{name} {number}" for name, number in facts["packages"].items() if number)
    used = record.settings.get("devices")
    rows = [("devices", ", ".join(used))] if used else []
    rows.append(("accelerators available", ", ".join(available(facts)) or "none"))
    rows += [(key, facts[key]) for key in ("processor", "cores", "platform", "python", "commit")]
    return table(("", ""), [*rows, ("packages", packages)])
