"""Running the cells of a table, each in a folder of its own, and collecting their figures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from civos_siaf.benchmark.environment import available
from civos_siaf.benchmark.samples import Shard
from civos_siaf.runtime.files import write_text
from civos_siaf.tables.layout import Cell, Row, Table
from civos_siaf.tables.runs import RESULT, CannotRunError, Run
from civos_siaf.tables.trends import Finding
from civos_siaf.weights.provenance import devices

DIGITS = 16
CELL = "cell.json"


@dataclass(frozen=True, slots=True)
class CellJob:
    """How a run is done.

    Attributes:
        configuration: everything on which its figures depend; JSON.
        play: does it in the folder it is given, goes on with what is there, and leaves the result file of
            the run's kind; raises `CannotRunError` when something is missing.
    """

    configuration: Mapping[str, Any]
    play: Callable[[Path], None]

    @property
    def digest(self) -> str:
        """Names the folder: hexadecimal digits that follow from the configuration."""
        text = json.dumps(self.configuration, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


Prepare = Callable[[Run], CellJob]
"""Finds the job of a run, or raises `CannotRunError`."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One cell, run.

    Attributes:
        published: as in the table.
        ours: None where nothing is run, it cannot be run, or has not been run yet.
        why_not: why there is none of ours although it belongs to the table; None otherwise.
        decimals: that the paper prints.
        comparable: see `Table`.
    """

    published: float | None
    ours: float | None
    why_not: str | None = None
    decimals: int = 2
    comparable: bool = True

    @property
    def difference(self) -> float | None:
        """Ours less published."""
        if self.published is None or self.ours is None or not self.comparable:
            return None
        return self.ours - self.published

    @property
    def texts(self) -> tuple[str, str, str]:
        """Published, ours, difference; a dash for what there is not, "missing" for what could not be had."""
        digits = self.decimals + 1
        ours = "-" if self.ours is None else f"{self.ours:.{digits}f}"
        if self.why_not is not None:
            ours = "missing"
        return (
            "-" if self.published is None else f"{self.published:.{self.decimals}f}",
            ours,
            "-" if self.difference is None else f"{self.difference:+.{digits}f}",
        )


@dataclass(frozen=True, slots=True)
class Results:
    """A table with our figures, row by row; what could not be run, with the cells it concerns.

    `round_curves` are ours by row, J&F after each round, where the table draws them.
    """

    table: Table
    figures: tuple[tuple[Figure, ...], ...]
    missing: dict[str, list[str]]
    cells: dict[str, dict[str, Any]]
    round_curves: tuple[tuple[float, ...] | None, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every cell that is to be run has a figure."""
        return not self.missing

    @property
    def findings(self) -> list[tuple[Finding, Finding]]:
        """Of each trend, whether it holds for the published figures, and for ours."""
        keys = [(row.key, column) for row in self.table.rows for column in self.table.columns]
        flat = [figure for row in self.figures for figure in row]
        published = {key: figure.published for key, figure in zip(keys, flat, strict=True)}
        ours = {key: figure.ours for key, figure in zip(keys, flat, strict=True)}
        return [(trend.check(published), trend.check(ours)) for trend in self.table.trends]


class Reproduction:
    """The runs of a table.

    Args:
        table: which.
        prepare: finds the job of a run.
        folder: of all cells, of this table and others: a run with the same configuration is done once.
        shard: the part of the runs that this process does.
    """

    def __init__(
        self, table: Table, prepare: Prepare, folder: Path | str, *, shard: Shard | None = None
    ) -> None:
        self.table = table
        self.folder = Path(folder)
        self.shard = shard or Shard()
        self._jobs: dict[Run, CellJob] = {}
        self._cannot: dict[Run, str] = {}
        for run in table.runs:
            try:
                self._jobs[run] = prepare(run)
            except CannotRunError as reason:
                self._cannot[run] = str(reason)

    def folder_of(self, run: Run) -> Path:
        """Where a run that can be done has its files."""
        return self.folder / self._jobs[run].digest

    @property
    def remaining(self) -> list[Run]:
        """This process's runs that are not finished; of several with one configuration the first."""
        first = {job.digest: run for run, job in reversed(self._jobs.items())}
        runs = self.shard.of(sorted(first.values(), key=list(self._jobs).index))
        return [run for run in runs if not self._finished(run)]

    def play(self) -> Iterator[Run]:
        """Do the remaining runs; each is yielded before it begins."""
        for run in self.remaining:
            yield run
            job, folder = self._jobs[run], self.folder_of(run)
            text = json.dumps({"run": str(run), "configuration": job.configuration}, indent=1, default=str)
            write_text(folder / CELL, text + "\n")
            try:
                job.play(folder)
            except CannotRunError as reason:
                self._note(run, str(reason))

    def results(self) -> Results:
        """The figures there are so far."""
        missing: dict[str, list[str]] = {}
        figures, cells = [], {}
        for row in self.table.rows:
            line = []
            for column, cell in zip(self.table.columns, row.cells, strict=True):
                figure = self._figure(cell)
                line.append(figure)
                if figure.why_not is not None:
                    missing.setdefault(figure.why_not, []).append(" ".join((*row.labels, column)))
                elif cell.run is not None:
                    folder = self.folder_of(cell.run)
                    cells[folder.name] = {"run": str(cell.run), **_environment(folder, cell.run)}
            figures.append(tuple(line))
        curves = tuple(map(self._round_curve, self.table.rows)) if self.table.round_curves else ()
        return Results(self.table, tuple(figures), missing, cells, curves)

    def _round_curve(self, row: Row) -> tuple[float, ...] | None:
        """J&F after each round of a row's first finished evaluation, in the table's unit."""
        for cell in row.cells:
            run, measure = cell.run, cell.measure
            if run is None or measure is None or run.kind != "evaluation" or run in self._cannot:
                continue
            if self._finished(run):
                content = json.loads((self.folder_of(run) / RESULT[run.kind]).read_text(encoding="utf-8"))
                values = content["metrics"]["J_AND_F"]["values"][1 : content["rounds"] + 1]
                return tuple(measure.scale * float(value) for value in values)
        return None

    def _figure(self, cell: Cell) -> Figure:
        ours, why_not = None, None
        if cell.run is not None and cell.measure is not None:
            try:
                ours = self._value(cell)
            except CannotRunError as reason:
                why_not = str(reason)
        return Figure(cell.published, ours, why_not, self.table.decimals, self.table.comparable)

    def _value(self, cell: Cell) -> float:
        run, measure = cell.run, cell.measure
        assert run is not None
        assert measure is not None
        if run in self._cannot:
            raise CannotRunError(self._cannot[run])
        if not self._finished(run):
            raise CannotRunError(
                "not finished yet: another process is at it, or it was stopped; run the command again"
            )
        return measure.of(self.folder_of(run), run.kind)

    def _finished(self, run: Run) -> bool:
        return (self.folder_of(run) / RESULT[run.kind]).is_file()

    def _note(self, run: Run, reason: str) -> None:
        digest = self._jobs[run].digest
        for other, job in list(self._jobs.items()):
            if job.digest == digest:
                self._cannot[other] = reason


def _environment(folder: Path, run: Run) -> dict[str, Any]:
    """Where and of what commit a finished run is."""
    content = json.loads((folder / RESULT[run.kind]).read_text(encoding="utf-8"))
    facts = content.get("environment", {})
    settings = content.get("settings", {})
    data, clock = settings.get("dataset", {}), settings.get("clock", {})
    notes = [data["note"]] if data.get("note") else []
    if clock.get("name") == "FixedClock":
        notes.append(f"time was not measured, every round is charged {clock['seconds_per_round']:g} s")
    if drawn := data.get("first_scribbles_by_the_robot"):
        notes.append(f"first scribbles of {len(drawn)} sequences drawn by the robot, for want of people's")
    about = {"commit": facts.get("commit"), "device": _device(content), "processor": facts.get("processor")}
    return {**about, "notes": notes}


def _device(content: Mapping[str, Any]) -> str:
    """What a finished run used, with the names of the accelerators that there were."""
    settings, names = content.get("settings", {}), " / ".join(available(content.get("environment", {})))
    bench = content.get("bench")
    used = devices(settings.get("method_config") if bench is None else bench)
    if not used:
        return f"device not noted ({names} available)" if names else "cpu"
    return ", ".join(f"{device} ({names})" if names and device != "cpu" else device for device in used)
