"""Annotator: one project with one method; what the server, the command line and Python speak to."""

from __future__ import annotations

import errno
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from civos_siaf.app.actions import (
    PROMPTS,
    Action,
    ActionError,
    BusyError,
    Cancelled,
    Commit,
    Propagate,
    Redo,
    Undo,
)
from civos_siaf.app.annotation import Annotation, without
from civos_siaf.app.check import check
from civos_siaf.app.content import Answer, needs_answer
from civos_siaf.app.journal import Journal
from civos_siaf.app.mask_files import MaskFiles, VersionWriter
from civos_siaf.app.model import Model
from civos_siaf.app.project import Project
from civos_siaf.app.session_files import SessionFiles
from civos_siaf.app.state import ProjectInfo, State
from civos_siaf.app.suggestions import change_scores, suggested
from civos_siaf.app.timeline import Entry, Timeline
from civos_siaf.protocol import Labels, LabelVideo, Method

LIVE = "live"
_SCORES = "scores.json"
_PATIENCE = 0.05  # seconds between two looks at what others are doing


class Watch(Protocol):
    """Told how an action goes on, from the thread that runs it."""

    def progress(self, what: str, done: int, total: int) -> None:
        """So much is done of restoring, propagating or writing."""

    def arrived(self, frame: int) -> None:
        """`labels(frame, "live")` are new."""


class _Nobody:
    def progress(self, what: str, done: int, total: int) -> None:
        pass

    def arrived(self, frame: int) -> None:
        pass


class Annotator:
    """A project being annotated. Safe to be called from several threads.

    What is returned by `apply` is on disk. Opening a project again gives the same state and the same masks
    without asking the method.

    Args:
        project: open; closed by `close`.
        method: answers the prompts.
        preview: prompts are answered at once on their own frame; otherwise `Commit` answers them.
        name: of the method, for people.
    """

    def __init__(
        self, project: Project, method: Method, *, preview: bool = True, name: str | None = None
    ) -> None:
        self.project = project
        self.preview = preview
        self.method_name = name or str(getattr(method, "name", type(method).__name__))
        self._masks = MaskFiles(project.folder / "masks", project.frames.size)
        files = SessionFiles(project.folder / "sessions", self.method_name)
        self._model = Model(method, project.frames, project.info, files)
        self._turns = threading.Lock()
        self._long: str | None = None  # key of the long action under way; "" if it has none
        self._stop = threading.Event()
        self._closed = False
        self._live: VersionWriter | None = None
        self._scores: dict[str, tuple[float, ...] | None] = {}
        self._timeline = Timeline()
        self._keys: set[str] = set()
        self._journal = Journal(project.folder / "log.jsonl")
        self._replay()
        self._masks.sweep(self._timeline.versions())
        self.state = self._state()

    def __enter__(self) -> Annotator:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def apply(self, action: Action, watch: Watch | None = None, *, key: str | None = None) -> State:
        """Do an action; when this returns it is on disk.

        Args:
            action: what the person does.
            watch: told how it goes on.
            key: a text that the caller made up for this action; done once however often it is sent.

        Raises:
            ActionError: the action cannot be done, for example as the disk is full; nothing has changed.
            BusyError: a long action is under way.
            Cancelled: `cancel` was called; nothing has changed.
        """
        with self._turn(key):
            if key is not None and key in self._keys:
                return self.state
            if isinstance(action, Undo | Redo):
                self._check_step(action)
            else:
                check(action, self.state.content, self.project.info)
            self._do(action, watch or _Nobody(), key)
            if key is not None:
                self._keys.add(key)
            self.state = self._state()
            return self.state

    def labels(self, frame: int, version: str | None = None) -> Labels | None:
        """Labels (H, W) of a frame; None where there are none.

        Args:
            frame: its number.
            version: one of those in `state`, as the method made it, deleted objects included; "live": what
                the propagation under way has made by now, else what is shown. None: what is shown, without
                deleted objects.
        """
        live = self._live if version == LIVE else None
        if live is not None and (found := live.read(frame)) is not None:
            return found
        state = self.state
        if version not in (None, LIVE):
            return self._masks.read(str(version), frame)
        shown = state.version(frame)
        found = None if shown is None else self._masks.read(shown, frame)
        return None if found is None else without(found, state.deleted)

    def annotation(self) -> Annotation:
        """What is shown now, to be exported; later actions do not change it."""
        return Annotation(self.project.name, self.project.frames, self.state, self._masks)

    def cancel(self) -> None:
        """End the long action under way, if there is one, within a frame; it raises `Cancelled`."""
        if self._long is not None:
            self._stop.set()

    def close(self) -> None:
        """Cancel what is under way and let go of the project."""
        self.cancel()
        with self._turns:
            self._closed = True
            self._model.drop()
            self._journal.close()
            self.project.close()

    @contextmanager
    def _turn(self, key: str | None) -> Iterator[None]:
        """One action at a time; nobody waits for a long one, but who sent the same."""
        while not self._turns.acquire(timeout=_PATIENCE):
            if self._long is not None and (key is None or key != self._long):
                raise BusyError("masks are being made: wait for them, or cancel")
        try:
            if self._closed:
                raise ActionError("the project is closed")
            yield
        finally:
            self._turns.release()

    def _check_step(self, action: Undo | Redo) -> None:
        if isinstance(action, Undo) and self._timeline.undo_type is None:
            raise ActionError("there is nothing to undo")
        if isinstance(action, Redo) and self._timeline.redo_type is None:
            raise ActionError("there is nothing to do again")

    def _do(self, action: Action, watch: Watch, key: str | None) -> None:
        """Log, answer, count."""
        restores = isinstance(action, PROMPTS) and self.state.round > 0 and not self.state.ready
        long = restores or isinstance(action, Commit | Propagate)
        mark = self._journal.mark()
        try:
            self._stop.clear()
            self._long = (key or "") if long else None
            number = self._journal.append(action, key)
            answer = self._answer(number, action, watch)
            if answer is not None:
                self._journal.append_done(number, answer)
        except BaseException as error:
            self._journal.take_back(mark)
            raise self._told(error) from error
        finally:
            self._live = None
            self._long = None
        self._count(number, action, answer)
        if isinstance(action, Propagate) and answer is not None:
            self._model.save(answer.version)

    def _told(self, error: BaseException) -> BaseException:
        """The error as the person is told it; the model is opened anew after an unexpected one."""
        if isinstance(error, ActionError | Cancelled) or not isinstance(error, Exception):
            return error
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return ActionError("the disk is full; nothing was changed. Make room and try again")
        if isinstance(error, OSError):
            return ActionError(f"the project could not be written: {error}")
        if isinstance(error, ValueError):
            return ActionError(str(error))
        self._model.drop()
        return ActionError(f"{self.method_name} failed: {type(error).__name__}: {error}")

    def _answer(self, number: int, action: Action, watch: Watch) -> Answer | None:
        """Ask the model, and write what it says."""
        content = self.state.content
        if isinstance(action, PROMPTS) and self.preview:
            self._reach(watch, preview=True)
            return self._write_answer(number, self._model.ask((action,)))
        if not needs_answer(content, action):
            return None
        together = tuple(drawn.action for drawn in content.pending)
        self._reach(watch, preview=not content.commit_asks)
        if isinstance(action, Commit):
            return self._write_answer(number, self._model.ask(together))
        if content.commit_asks:
            self._model.ask(together)
        return self._propagate(f"r{number}", watch)

    def _reach(self, watch: Watch, *, preview: bool) -> None:
        def progress(done: int, total: int) -> None:
            self._go_on()
            watch.progress("restoring", done, total)

        content = self.state.content
        self._model.reach(content.steps(preview=preview), num_objects=len(content.objects), progress=progress)
        self._go_on()

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise Cancelled("cancelled")

    def _write_answer(self, number: int, labels: dict[int, Labels]) -> Answer:
        version = f"a{number}"
        self._masks.write(version, labels)
        return Answer(version, tuple(sorted(labels)))

    def _propagate(self, version: str, watch: Watch) -> Answer:
        confidences: list[float | None] = [None] * self.project.info.num_frames
        writer = self._masks.writer(version, like=self.state.content.base)
        self._live = writer

        def progress(done: int, total: int) -> None:
            self._go_on()
            watch.progress("propagating", done, total)

        def arrived(frame: int, labels: Labels, confidence: float | None = None) -> None:
            self._go_on()
            writer.put(frame, labels)
            confidences[frame] = confidence
            watch.arrived(frame)

        try:
            video = self._model.spread(version, progress, arrived)
            self._write_round(writer, video, confidences, watch)
        except BaseException:
            writer.abandon()
            raise
        return Answer(version)

    def _write_round(
        self, writer: VersionWriter, video: LabelVideo, confidences: list[float | None], watch: Watch
    ) -> None:
        total = self.project.info.num_frames
        if len(video) != total:
            raise ValueError(f"{self.method_name} gave labels of {len(video)} frames, the video has {total}")
        for frame in range(total):
            self._go_on()
            writer.put(frame, np.ascontiguousarray(video[frame]))
            watch.progress("writing", frame + 1, total)
        scores = change_scores((video[frame] for frame in range(total)), confidences)
        writer.add(_SCORES, json.dumps([round(float(score), 3) for score in scores]))
        writer.finish()

    def _count(self, number: int, action: Action, answer: Answer | None, *, sweep: bool = True) -> None:
        """The action counts from now on."""
        if isinstance(action, Undo):
            self._timeline.undo()
        elif isinstance(action, Redo):
            self._timeline.redo()
        elif self._timeline.add(Entry(number, action, answer)) and sweep:
            self._masks.sweep(self._timeline.versions())

    def _replay(self) -> None:
        """Count all lines of the journal that were answered, or need no answer."""
        for line in self._journal.lines:
            if line.answer is None and needs_answer(self._timeline.content, line.action):
                continue  # interrupted: it can be taken again
            self._count(line.seq, line.action, line.answer, sweep=False)
            if line.key is not None:
                self._keys.add(line.key)

    def _state(self) -> State:
        content = self._timeline.content
        scores = self._scores_of(content.base)
        return State(
            project=ProjectInfo(self.project.id, self.project.name, self.project.info),
            revision=self._journal.seq,
            content=content,
            undo=self._timeline.undo_type,
            redo=self._timeline.redo_type,
            scores=scores,
            suggested=suggested(content, scores),
            model=self.method_name,
            ready=self._model.in_step(content.steps(preview=self.preview)),
        )

    def _scores_of(self, version: str | None) -> tuple[float, ...] | None:
        if version is None:
            return None
        if version not in self._scores:
            try:
                text = (Path(self._masks.folder) / version / _SCORES).read_text(encoding="utf-8")
                self._scores[version] = tuple(json.loads(text))
            except (OSError, ValueError):
                self._scores[version] = None
        return self._scores[version]
