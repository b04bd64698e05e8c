"""Keeps a method's session in step with a project: asks, takes back, replays, resumes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from civos_siaf.app.actions import AddBox, AddPrompt
from civos_siaf.app.content import Spread, Step
from civos_siaf.app.prompting import to_prompts
from civos_siaf.app.session_files import SessionFiles
from civos_siaf.app.video_info import VideoInfo
from civos_siaf.frames import Frames
from civos_siaf.prompts import Box
from civos_siaf.protocol import Labels, LabelVideo, Method, Progress, ignore

Arrived: TypeAlias = Callable[[int, Labels, float | None], None]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A step that the session has done, and how many of its own steps that were."""

    step: Step
    calls: int = 1


@dataclass(frozen=True, slots=True)
class _Grown:
    """The session got further objects."""


class Model:
    """One session, opened when it is first needed.

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
        self._objects = 0
        self._done: list[_Asked | _Grown] = []
        self._floor = 0  # what is below was loaded and cannot be taken back

    def in_step(self, steps: Sequence[Step]) -> bool:
        """Whether the session is there where these steps lead."""
        return self._session is not None and self._steps() == list(steps)

    def drop(self) -> None:
        """Forget the session; the next call opens one and replays."""
        self._session, self._objects, self._done, self._floor = None, 0, [], 0

    def reach(self, steps: Sequence[Step], *, num_objects: int, progress: Progress = ignore) -> None:
        """Bring the session there where these steps lead, with room for `num_objects`.

        Takes back what is too much, loads a saved round if that saves a propagation, replays the rest.

        Args:
            steps: all since the beginning.
            num_objects: at least so many objects are needed from now on.
            progress: of the steps to be replayed; may raise, then the session is somewhere on the way.
        """
        common = self._common(steps)
        if common < len(self._steps()) and not self._take_back_to(common):
            self.drop()
        if self._session is None or any(isinstance(item, Spread) for item in steps[len(self._steps()) :]):
            self._load(steps, len(self._steps()))
        if self._session is None:
            self._open(num_objects)
        for place in range(len(self._steps()), len(steps)):
            progress(place, len(steps))
            self._replay(steps[place], progress)
        self._grow(num_objects, progress)

    def ask(self, actions: Sequence[AddPrompt]) -> dict[int, Labels]:
        """Answer prompts in one call; labels of their frames."""
        found: dict[int, Labels] = {}
        calls = 0
        waiting = tuple(actions)
        try:
            while waiting:
                answer = self._interact(waiting)
                calls += 1
                found |= answer
                left = tuple(action for action in waiting if action.frame not in answer)
                if len(left) == len(waiting):
                    raise ValueError(f"the method gave no masks for frame {waiting[0].frame}")
                waiting = left  # a method may take some frames of a call only
        except BaseException:
            for _ in range(calls):
                self._session.undo()
            raise
        self._done.append(_Asked(tuple(actions), calls))
        return {frame: labels for frame, labels in found.items() if frame in {a.frame for a in actions}}

    def spread(self, version: str, progress: Progress, arrived: Arrived | None = None) -> LabelVideo:
        """Propagate; labels (T, H, W)."""
        if arrived is not None and getattr(self._session, "streams", False):
            video = self._session.propagate(progress, arrived=arrived)
        else:
            video = self._session.propagate(progress)
        self._done.append(_Asked(Spread(version)))
        return video  # type: ignore[no-any-return]

    def save(self, version: str) -> None:
        """Keep the session's state after a round, where it can do that; failing only costs time later."""
        if hasattr(self._session, "save") and hasattr(self._session, "load"):
            with contextlib.suppress(OSError):
                self._files.save(version, self._objects, self._session.save)

    def _steps(self) -> list[Step]:
        return [item.step for item in self._done if isinstance(item, _Asked)]

    def _common(self, steps: Sequence[Step]) -> int:
        """How many first steps were done already."""
        count = 0
        for own, wanted in zip(self._steps(), steps, strict=False):
            if own != wanted:
                break
            count += 1
        return count

    def _take_back_to(self, count: int) -> bool:
        """Undo all but the first `count` steps, or more where a round is undone in one; whether it worked."""
        while len(self._steps()) > count:
            last = self._done[-1]
            if len(self._done) <= self._floor:
                return False
            try:
                for _ in range(last.calls if isinstance(last, _Asked) else 1):
                    self._session.undo()
            except Exception:
                return False
            if isinstance(last, _Grown):
                return False  # number of objects now unclear to us
            self._done.pop()
            if isinstance(last.step, Spread):
                while self._done and isinstance(item := self._done[-1], _Asked) and _is_ask(item.step):
                    self._done.pop()
        return True

    def _open(self, num_objects: int) -> None:
        self.drop()
        share = getattr(self._method, "objects_per_pass", 1)
        self._objects = -(-max(1, num_objects) // share) * share
        self._session = self._method.open(self._frames, num_objects=self._objects)

    def _load(self, steps: Sequence[Step], done: int) -> None:
        """Load the last saved round among the steps that are still to be done."""
        for place in range(len(steps) - 1, done - 1, -1):
            step = steps[place]
            if not isinstance(step, Spread) or (objects := self._files.objects(step.version)) is None:
                continue
            try:
                session: Any = self._method.open(self._frames, num_objects=objects)
                session.load(self._files.path(step.version))
            except Exception:  # of another version of the method, or damaged: replay instead
                continue
            self._session, self._objects = session, objects
            self._done = [_Asked(item) for item in steps[: place + 1]]
            self._floor = len(self._done)
            return

    def _replay(self, step: Step, progress: Progress) -> None:
        if isinstance(step, Spread):
            self.spread(step.version, progress)
        else:
            self._grow(max(action.object_id for action in step), progress)
            self.ask(step)

    def _grow(self, num_objects: int, progress: Progress) -> None:
        """Make room for objects, in the middle of a round, too."""
        if num_objects <= self._objects:
            return
        steps = self._steps()
        more = num_objects - self._objects
        if hasattr(self._session, "add_objects"):
            start = max((n for n, item in enumerate(steps, 1) if isinstance(item, Spread)), default=0)
            if self._take_back_to(start):
                self._session.add_objects(more)
                self._objects = num_objects
                self._done.append(_Grown())
                for step in steps[start:]:
                    self._replay(step, progress)
                return
        self._open(num_objects)
        for step in steps:
            self._replay(step, progress)

    def _interact(self, actions: Sequence[AddPrompt]) -> dict[int, Labels]:
        accepts = getattr(self._session, "accepts", None)
        boxes = accepts is None or Box in accepts
        try:
            return self._session.interact(to_prompts(actions, self._info, boxes=boxes))  # type: ignore[no-any-return]
        except ValueError:
            if not boxes or not any(isinstance(action, AddBox) for action in actions):
                raise
        return self._session.interact(to_prompts(actions, self._info, boxes=False))  # type: ignore[no-any-return]


def _is_ask(step: Step) -> bool:
    return not isinstance(step, Spread)
