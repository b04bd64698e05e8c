"""Looking at a project without a method: to export what is in it."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from civos_siaf.app.document.actions import (
    PROMPTS,
    Action,
    ActionError,
    BusyError,
    Cancelled,
    Commit,
    Propagate,
    Redo,
    Undo,
    from_json,
    to_json,
)
from civos_siaf.app.document.content import needs_answer
from civos_siaf.app.document.state import ProjectInfo, State
from civos_siaf.app.document.timeline import Timeline, TimelineEntry
from civos_siaf.app.document.validation import check
from civos_siaf.app.session.annotation import Annotation
from civos_siaf.app.session.answers import Answers, NullListener, ProgressListener, Unfinished
from civos_siaf.app.session.session_sync import SessionSync
from civos_siaf.app.session.suggestions import suggested, usable
from civos_siaf.app.storage.journal import Journal
from civos_siaf.app.storage.mask_files import MaskFiles
from civos_siaf.app.storage.project import Project, ProjectError
from civos_siaf.app.storage.round_files import SessionFiles
from civos_siaf.next_frame import MethodSuggestion, NextFrame
from civos_siaf.protocol import Labels, Method, Session
from civos_siaf.video.frames import Frames

LIVE = "live"
_PATIENCE = 0.05  # seconds between two looks at what others are doing


class Annotator:
    """A project being annotated. Safe to be called from several threads.

    What is returned by `apply` is on disk. Opening a project again gives the same state and the same masks
    without asking the method.

    Args:
        project: open; closed by `close`.
        method: answers the prompts.
        preview: prompts are answered at once on their own frame; otherwise `Commit` answers them.
        name: of the method, for people.
        next_frame: suggests the frame to look at next; None: by the method's confidences and the masks.

    Raises:
        ProjectError: a journal that is damaged; names the line.
        ValueError: a choice of the next frame that needs what only an evaluation has.
    """

    def __init__(
        self,
        project: Project,
        method: Method,
        *,
        preview: bool = True,
        name: str | None = None,
        next_frame: NextFrame | None = None,
    ) -> None:
        self._next_frame = usable(next_frame or MethodSuggestion())
        self.project = project
        self.preview = preview
        self.method_name = name or str(getattr(method, "name", type(method).__name__))
        self._masks = MaskFiles(project.folder / "masks", project.frames.size)
        files = SessionFiles(project.folder / "sessions", self.method_name)
        self._model = SessionSync(method, project.frames, project.info, files)
        self._answers = Answers(
            self._model, self._masks, project.info, self.method_name, faults=project.frames.faults
        )
        self._turns = threading.RLock()
        self._long: str | None = None  # key of the long action under way; "" if it has none
        self._stop = threading.Event()
        self._closing = self._closed = False
        self._timeline = Timeline()
        self._keys: set[str] = set()
        self._journal = Journal(project.folder / "log.jsonl")
        try:
            self._replay()
            self._masks.sweep(self._timeline.versions())
            self.state = self._state()
        except BaseException:
            self._journal.close()
            raise

    def __enter__(self) -> Annotator:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def apply(
        self, action: Action, watch: ProgressListener | None = None, *, key: str | None = None
    ) -> State:
        """Do an action; when this returns it is on disk.

        Args:
            action: what the person does.
            watch: told how it goes on.
            key: a text that the caller made up for this action; done once however often it is sent.

        Raises:
            ActionError: the action cannot be done, for example as the disk is full; nothing has changed.
            BusyError: a long action is under way.
            Cancelled: `cancel` was called; nothing has changed.

        Of a propagation that raises, the frames that were finished are kept and marked in the state.
        """
        with self._turn(key):
            if key is not None and key in self._keys:
                return self.state
            action = from_json(to_json(action))  # what is logged is what is done
            self._check(action)
            entry, error = self._do(action, watch or NullListener(), key)
            dropped = self._count(entry)
            if key is not None and error is None:
                self._keys.add(key)
            self.state = self._state()
            if dropped:
                self._masks.sweep(self._timeline.versions())  # after the state: see `annotation`
            if error is not None:
                raise error
            if isinstance(action, Propagate) and entry.answer is not None:
                self._model.save(entry.answer.version)
            return self.state

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Actions of this thread inside are on disk when this ends, and much quicker; other threads wait.

        Raises:
            OSError: they could not be put on disk; they will be, before any further action.
        """
        with self._turns:
            with self._masks.later(), self._journal.batch(before=self._masks.settle):
                yield
            self._masks.sweep(self._timeline.versions())

    def labels(self, frame: int, version: str | None = None) -> Labels | None:
        """Labels (H, W) of a frame; None where there are none.

        Args:
            frame: its number.
            version: one of those in `state`, as the method made it, deleted objects included; "live": what
                the propagation under way has made by now, else what is shown. None: what is shown, without
                deleted objects.

        Raises:
            MissingMasksError: what is shown is not on disk any more.
        """
        if version == LIVE and (live := self._answers.live(frame)) is not None:
            return live
        if version not in (None, LIVE):
            return self._masks.read(str(version), frame)
        if not 0 <= frame < self.project.info.num_frames:
            return None
        with self.annotation() as shown:
            return shown.known(frame)

    def annotation(self) -> Annotation:
        """What is shown now, to be exported; later actions do not change it. To be closed after use."""
        while True:
            state = self.state
            annotation = Annotation(self.project.name, self.project.frames, state, self._masks)
            if self.state is state:  # otherwise its masks may have been swept before they were pinned
                return annotation
            annotation.close()

    @property
    def awake(self) -> bool:
        """Whether the method holds anything in memory for this project."""
        return self._model.awake

    def rest(self) -> None:
        """Let go of what the method holds in memory; the next prompt brings it back, as after opening."""
        with self._turns:
            self._model.drop()
            self.state = replace(self.state, ready=False)

    def cancel(self) -> None:
        """End the long action under way, if there is one, within a frame; it raises `Cancelled`."""
        if self._long is not None:
            self._stop.set()

    def close(self) -> None:
        """Cancel what is under way and let go of the project."""
        self._closing = True  # an action that is just beginning ends, too
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

    def _check(self, action: Action) -> None:
        check(action, self._timeline.content, self.project.info)
        if isinstance(action, Undo) and self._timeline.undo_type is None:
            raise ActionError("there is nothing to undo")
        if isinstance(action, Redo) and self._timeline.redo_type is None:
            raise ActionError("there is nothing to do again")

    def _do(
        self, action: Action, watch: ProgressListener, key: str | None
    ) -> tuple[TimelineEntry, ActionError | Cancelled | None]:
        """Log and answer; what is done, and why it ended early although some of it is."""
        restores = isinstance(action, PROMPTS) and self.state.round > 0 and not self.state.ready
        long = restores or isinstance(action, Commit | Propagate)
        mark = self._journal.mark()
        ended: ActionError | Cancelled | None = None
        try:
            self._stop.clear()
            self._long = (key or "") if long else None
            number = self._journal.append(action, key)
            try:
                answer = self._answers.answer(
                    number, action, self.state.content, preview=self.preview, watch=watch, go_on=self._go_on
                )
            except Unfinished as unfinished:
                answer = unfinished.answer
                ended = self._ended(unfinished)
            if answer is not None:
                self._journal.append_done(number, answer)
        except BaseException as error:
            self._journal.take_back(mark)
            raise self._told(error) from error
        finally:
            self._long = None
        return TimelineEntry(number, action, answer), ended

    def _ended(self, unfinished: Unfinished) -> ActionError | Cancelled:
        """Why a propagation ended, with what of it is kept."""
        cause, kept = unfinished.__cause__, len(unfinished.answer.frames)
        told = self._told(cause) if cause is not None else Cancelled("cancelled")
        text = f"{told}; the masks of {kept} frames that were finished are kept and marked"
        return Cancelled(text, kept=kept) if isinstance(told, Cancelled) else ActionError(text)

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

    def _go_on(self) -> None:
        if self._stop.is_set() or self._closing:
            raise Cancelled("cancelled")

    def _count(self, entry: TimelineEntry) -> bool:
        """The action counts from now on; whether this dropped what could be done again."""
        if isinstance(entry.action, Undo):
            self._timeline.undo()
        elif isinstance(entry.action, Redo):
            self._timeline.redo()
        else:
            return self._timeline.add(entry)
        return False

    def _replay(self) -> None:
        """Count all lines of the journal that were answered, or need no answer."""
        for line in self._journal.lines:
            if line.answer is None and needs_answer(self._timeline.content, line.action):
                continue  # interrupted: it can be taken again
            try:
                self._check(line.action)
            except ActionError as error:
                raise ProjectError(f"{self._journal.path}: line {line.seq}: {error}") from error
            self._count(TimelineEntry(line.seq, line.action, line.answer))
            unfinished = isinstance(line.action, Propagate) and line.answer and line.answer.frames
            if line.key is not None and not unfinished:
                self._keys.add(line.key)

    def _state(self) -> State:
        content = self._timeline.content
        scores = self._answers.scores(content.base)
        return State(
            project=ProjectInfo(self.project.id, self.project.name, self.project.info),
            revision=self._journal.seq,
            content=content,
            undo=self._timeline.undo_type,
            redo=self._timeline.redo_type,
            scores=scores,
            faults=tuple(sorted(self.project.frames.faults)),
            suggested=suggested(content, scores, self._next_frame),
            model=self.method_name,
            ready=self._model.in_step(content.steps(preview=self.preview)),
        )


class _NoMethod:
    name = "none"

    def open(self, frames: Frames, *, num_objects: int) -> Session:
        raise ValueError("this project was opened to be read")


@contextmanager
def open_annotation(folder: Path | str, *, video: Path | str | None = None) -> Iterator[Annotation]:
    """What a project shows, as `exports.export` takes it; the project is locked meanwhile.

    Args:
        folder: of the project.
        video: where the video is now, if it was moved.

    Raises:
        ValueError: no project, one of another version or in use, or its video is missing or has changed.
    """
    project = Project.open(folder, video=video)
    try:
        annotator = Annotator(project, _NoMethod())
    except BaseException:
        project.close()
        raise
    with annotator, annotator.annotation() as annotation:
        yield annotation
