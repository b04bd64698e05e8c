"""Many videos, one after another: prompts from a file, results in every wanted format, and a summary.

Every video has a folder in the output: its project, its exports, and `result.json` once it is finished. What
is finished is not done again; what was interrupted goes on after the last action that was answered. Other
prompts, another video under the same name, or another method make a new project beside the old one; the
exports are those of the last run.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeAlias

from civos_siaf.app.batch.jobs import BatchJob
from civos_siaf.app.exports import export, exporter, read_class_file
from civos_siaf.app.exports.names import safe_name
from civos_siaf.app.session.annotator import Annotator
from civos_siaf.app.storage.project import Project
from civos_siaf.protocol import Method
from civos_siaf.runtime.files import write_text

Formats: TypeAlias = Mapping[str, Mapping[str, object]]
"""Options by format."""

Tell: TypeAlias = Callable[[str, int, int], None]
"""Told (what is being done, frames done, frames in all)."""

DONE, BEFORE, FAILED, NO_PROMPTS = "done", "done before", "failed", "no prompts"
_RESULT = "result.json"


@dataclass(frozen=True)
class Record:
    """What became of one video.

    Attributes:
        video: name of the job.
        status: "done", "done before" (in an earlier run), "failed", or "no prompts".
        frames: of the video; 0 where it could not be opened.
        objects: how many.
        rounds: how often it was propagated.
        seconds: of the run that finished it, exports included.
        folder: below the output.
        error: why it failed.
    """

    video: str
    status: str
    frames: int = 0
    objects: int = 0
    rounds: int = 0
    seconds: float = 0.0
    folder: str = ""
    error: str = ""

    @property
    def seconds_per_frame(self) -> float:
        """Of the whole run; 0 where there are no frames."""
        return self.seconds / self.frames if self.frames else 0.0


def run_batch(
    jobs: Iterable[BatchJob],
    method: Method,
    out: Path | str,
    *,
    method_name: str | None = None,
    about: str = "",
    formats: Formats | None = None,
    tell: Callable[[str, str, int, int], None] | None = None,
) -> Iterator[Record]:
    """Do the jobs, and yield what became of each; a video that fails does not stop the others.

    Args:
        jobs: from `read_jobs`.
        method: answers the prompts.
        out: folder of the results; made if it does not exist.
        method_name: a video is done again when the method has another name; None: its own.
        about: any text; a video is done again when it is another. For the method's settings and weights.
        formats: to be exported, with options; None: DAVIS.
        tell: told (video, what is being done, frames done, frames in all).

    Raises:
        ValueError: a format or option that does not exist, before anything is done.
    """
    formats = {"davis": {}} if formats is None else formats
    wanted = {name: read_class_file(options) for name, options in formats.items()}
    for name, options in wanted.items():
        exporter(name, options)
    name = method_name or str(getattr(method, "name", type(method).__name__))
    return (_do(job, _Work(method, name, about, Path(out), wanted), tell) for job in jobs)


@dataclass(frozen=True)
class _Work:
    method: Method
    name: str
    about: str
    out: Path
    formats: Formats

    def digest(self, job: BatchJob) -> str:
        """Changes with all that the masks of a job depend on."""
        return job.digest(json.dumps([self.name, self.about]))


def _do(job: BatchJob, work: _Work, tell: Callable[[str, str, int, int], None] | None) -> Record:
    def say(what: str, done: int, total: int) -> None:
        if tell is not None:
            tell(job.name, what, done, total)

    if job.problem is not None:
        return Record(job.name, FAILED, error=job.problem)
    if not job.actions:
        return Record(job.name, NO_PROMPTS)
    try:
        folder = work.out / _folder_name(job.name)
        digest = work.digest(job)
        return _finished(folder, digest, work) or _annotate(job, digest, work, folder, say=say)
    except Exception as error:
        return Record(job.name, FAILED, error=str(error) or type(error).__name__)


def _folder_name(name: str) -> str:
    """A folder for a video, another for every name."""
    plain = safe_name(name)
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _annotate(job: BatchJob, digest: str, work: _Work, folder: Path, *, say: Tell) -> Record:
    start = time.perf_counter()
    project = Project.open_or_create(folder / f"project-{digest}", job.video)
    try:
        annotator = Annotator(project, work.method, preview=False, name=work.name)
    except BaseException:
        project.close()
        raise
    with annotator:
        for number, action in enumerate(job.actions):
            # An action whose key is in the journal was done by a run that was interrupted.
            annotator.apply(action, _Watch(say), key=f"batch-{digest}-{number}")
        annotation = annotator.annotation()
        for format, options in work.formats.items():
            target = _target(folder, format, options)
            if target.is_dir():
                shutil.rmtree(target)
            export(annotation, format, target, options=options, progress=_named(say, format))
        record = Record(
            job.name,
            DONE,
            frames=len(annotation.frames),
            objects=len(annotation.objects),
            rounds=job.rounds,
            seconds=round(time.perf_counter() - start, 3),
            folder=folder.name,
        )
    result = {"digest": digest, "formats": work.formats, "record": asdict(record)}
    write_text(folder / _RESULT, json.dumps(result, indent=1) + "\n")
    return record


def _target(folder: Path, format: str, options: Mapping[str, object]) -> Path:
    return folder / f"{format}{exporter(format, options).suffix}"


def _named(say: Tell, what: str) -> Callable[[int, int], None]:
    return lambda done, total: say(what, done, total)


class _Watch:
    """Passes on how the annotator goes on."""

    def __init__(self, say: Tell) -> None:
        self._say = say

    def progress(self, what: str, done: int, total: int) -> None:
        self._say(what, done, total)

    def arrived(self, frame: int) -> None:
        pass


def _finished(folder: Path, digest: str, work: _Work) -> Record | None:
    """The record of an earlier run, if that did the same and its results are there."""
    try:
        result = json.loads((folder / _RESULT).read_text(encoding="utf-8"))
        if result["digest"] != digest or result["formats"] != work.formats:
            return None
        if not all(_target(folder, name, options).exists() for name, options in work.formats.items()):
            return None
        return replace(Record(**result["record"]), status=BEFORE)
    except (OSError, ValueError, KeyError, TypeError):
        return None
