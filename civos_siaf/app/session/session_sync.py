"""Keeps a method's session in step with a project: asks, takes back, replays, resumes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from civos_siaf.app.document.actions import AddBox, AddPrompt
from civos_siaf.app.document.content import PropagateStep, Step
from civos_siaf.app.document.video_info import VideoInfo
from civos_siaf.app.session.object_numbers import (
    arrived_to_project,
    objects_of,
    to_project,
    to_session,
    video_to_project,
)
from civos_siaf.app.session.prompting import to_prompts
from civos_siaf.app.storage.round_files import SessionFiles
from civos_siaf.prompts import Box
from civos_siaf.protocol import Arrived, Labels, LabelVideo, Method, Progress, no_progress
from civos_siaf.video.frames import Frames

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Done:
    """What the session was asked.

    Attributes:
        step: of the project; None: further objects.
        objects: how many of the project's objects the session had before.
        calls: how often `undo` takes it back, while its round is not propagated.
    """

    step: Step | None
    objects: int
    calls: int = 1


class SessionSync:
    """One session, opened when it is first needed.

    It has room for the objects that it was asked for, in the order in which they came: object 200 alone is
    its object 1. Prompts and labels are numbered for it and back.

    Args:
        method: opens sessions.
        frames: the video.
        info: its size.
        files: where states of sessions are kept.
    """

    def __init__(self, method: Method, frames: Frames, info: VideoInfo, files: SessionFiles) -> None:
        self._method = method
        self._frames = frames
        self._info = info
        self._files = files
        self._session: Any = None  # what it offers beyond the protocol is looked up
        self._objects: list[int] = []  # the project's number of the session's object 1, 2, ...
        self._done: list[_Done] = []
        self._floor = 0  # what is below was loaded and cannot be taken back

    @property
    def awake(self) -> bool:
        """Whether there is a session, which may hold much memory."""
        return self._session is not None

    def in_step(self, steps: Sequence[Step]) -> bool:
        """Whether the session is there where these steps lead."""
        own = self._steps()
        return self._session is not None and len(own) == len(steps) == self._common(steps)

    def drop(self) -> None:
        """Forget the session; the next call opens one and replays."""
        self._session, self._objects, self._done, self._floor = None, [], [], 0

    def reach(
        self, steps: Sequence[Step], *, objects: Sequence[int], progress: Progress = no_progress
    ) -> None:
        """Bring the session there where these steps lead, with room for these objects of the project.

        Takes back what is too much, loads a saved round if that saves a propagation, replays the rest.

        Args:
            steps: all since the beginning.
            objects: those that are needed from now on.
            progress: of what is to be replayed; may raise, then the session is somewhere on the way.
        """
        common = self._common(steps)
        if common < len(self._steps()) and not self._take_back_to(common):
            self.drop()
        if self._session is None or any(
            isinstance(step, PropagateStep) for step in steps[len(self._steps()) :]
        ):
            self._load(steps, len(self._steps()))
        if self._session is None:
            self._open(objects)
        for step in steps[len(self._steps()) :]:
            self._replay(step, progress)
        self._grow(objects, progress)

    def ask(self, actions: Sequence[AddPrompt]) -> dict[int, Labels]:
        """Answer prompts in one call; labels of their frames.

        Raises:
            ValueError: a kind of prompt that the method does not take, or it gave no masks.
        """
        found: dict[int, Labels] = {}
        waiting, calls = tuple(actions), 0
        try:
            while waiting:
                answer = self._interact(waiting)
                calls += 1
                left = tuple(action for action in waiting if action.frame not in answer)
                if len(left) == len(waiting):
                    raise ValueError(f"the method gave no masks of frame {waiting[0].frame}")
                found |= answer
                waiting = left  # a method may take some frames of a call only
        except BaseException:
            for _ in range(calls):
                self._session.undo()
            raise
        self._done.append(_Done(tuple(actions), len(self._objects), calls))
        return {frame: found[frame] for frame in {action.frame for action in actions}}

    def spread(self, version: str, progress: Progress, arrived: Arrived | None = None) -> LabelVideo:
        """Propagate; labels (T, H, W)."""
        objects = tuple(self._objects)
        if arrived is not None and getattr(self._session, "streams", False):
            video = self._session.propagate(progress, arrived=arrived_to_project(arrived, objects))
        else:
            video = self._session.propagate(progress)
        self._done.append(_Done(PropagateStep(version), len(objects)))
        return video_to_project(video, objects)

    def save(self, version: str) -> None:
        """Keep the session's state after a round, where it can do that; failing is told in the log."""
        if not (hasattr(self._session, "save") and hasattr(self._session, "load")):
            return
        try:
            self._files.save(version, self._objects, self._session.save)
        except Exception as error:  # the round itself is safe
            log.warning(
                "%s could not save its state after round %s, and will have to make it anew: %s: %s",
                self._files.method,
                version,
                type(error).__name__,
                error,
                exc_info=not isinstance(error, OSError),
            )

    def _steps(self) -> list[Step]:
        return [item.step for item in self._done if item.step is not None]

    def _common(self, steps: Sequence[Step]) -> int:
        """How many first steps were done already."""
        count = 0
        for own, wanted in zip(self._steps(), steps, strict=False):
            if not _same(own, wanted):
                break
            count += 1
        return count

    def _take_back_to(self, count: int) -> bool:
        """Undo all but the first `count` steps, or more where a round is undone in one; whether it worked."""
        while len(self._steps()) > count:
            if len(self._done) <= self._floor:
                return False
            last = self._done.pop()
            try:
                for _ in range(last.calls):
                    self._session.undo()
            except Exception:  # it keeps no further back
                return False
            if isinstance(last.step, PropagateStep):  # with it the whole round is undone
                last = self._pop_round()
            del self._objects[last.objects :]
        return True

    def _pop_round(self) -> _Done:
        """Forget the interactions before the round's end, and what came between them; the first of them."""
        start = max(
            (n for n, item in enumerate(self._done, 1) if isinstance(item.step, PropagateStep)), default=0
        )
        first = next(n for n in range(start, len(self._done)) if self._done[n].step is not None)
        item = self._done[first]
        del self._done[first:]
        return item

    def _open(self, objects: Sequence[int]) -> None:
        self.drop()
        self._objects = list(objects) or [1]
        self._session = self._method.open(self._frames, num_objects=len(self._objects))

    def _load(self, steps: Sequence[Step], done: int) -> None:
        """Load the last saved round among the steps that are still to be done."""
        for place in range(len(steps) - 1, done - 1, -1):
            step = steps[place]
            if not isinstance(step, PropagateStep) or (objects := self._files.objects(step.version)) is None:
                continue
            session: Any = self._method.open(self._frames, num_objects=len(objects))
            try:
                session.load(self._files.path(step.version))
            except Exception:  # of another version of the method, or damaged: replay instead
                continue
            self._session, self._objects = session, list(objects)
            self._done = [_Done(item, len(objects)) for item in steps[: place + 1]]
            self._floor = len(self._done)
            return

    def _replay(self, step: Step, progress: Progress) -> None:
        progress(0, 1)
        if isinstance(step, PropagateStep):
            self.spread(step.version, progress)
        else:
            self._grow(objects_of(step), progress)
            self.ask(step)

    def _grow(self, objects: Sequence[int], progress: Progress) -> None:
        """Make room for these objects of the project, in the middle of a round, too."""
        more = [number for number in objects if number not in self._objects]
        if not more:
            return
        if hasattr(self._session, "add_objects") and self._add(more):
            return
        steps = self._steps()
        start = max((n for n, step in enumerate(steps, 1) if isinstance(step, PropagateStep)), default=0)
        if not (hasattr(self._session, "add_objects") and self._take_back_to(start) and self._add(more)):
            start = 0
            self._open([*self._objects, *more])
        for step in steps[start:]:
            self._replay(step, progress)

    def _add(self, more: Sequence[int]) -> bool:
        """Add objects to the session; False if it does not take them now."""
        try:
            self._session.add_objects(len(more))
        except RuntimeError:
            return False
        self._done.append(_Done(None, len(self._objects)))
        self._objects += more
        return True

    def _interact(self, actions: Sequence[AddPrompt]) -> dict[int, Labels]:
        accepts = getattr(self._session, "accepts", None)
        boxes = accepts is None or Box in accepts
        try:
            return self._answers(actions, boxes=boxes)
        except ValueError:
            if not boxes or not any(isinstance(action, AddBox) for action in actions):
                raise
        return self._answers(actions, boxes=False)

    def _answers(self, actions: Sequence[AddPrompt], *, boxes: bool) -> dict[int, Labels]:
        prompts = to_session(to_prompts(actions, self._info, boxes=boxes), self._objects)
        answer = self._session.interact(prompts)
        return {frame: to_project(labels, self._objects) for frame, labels in answer.items()}


def _same(own: Step, wanted: Step) -> bool:
    """Whether two steps lead to the same; rounds do, whatever their versions are called."""
    return own == wanted or (isinstance(own, PropagateStep) and isinstance(wanted, PropagateStep))
