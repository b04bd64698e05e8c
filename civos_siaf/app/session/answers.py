"""What the model makes of actions, written to disk as versions of labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import numpy as np

from civos_siaf.app.document.actions import PROMPTS, Action, AddPrompt, Commit
from civos_siaf.app.document.content import Answer, Content, needs_answer
from civos_siaf.app.document.video_info import VideoInfo
from civos_siaf.app.session.object_numbers import objects_of
from civos_siaf.app.session.session_sync import SessionSync
from civos_siaf.app.storage.mask_files import MaskFiles, VersionWriter
from civos_siaf.app.storage.round_files import CONFIDENCES, RoundConfidences
from civos_siaf.next_frame.look_scores import look_scores
from civos_siaf.protocol import Labels, LabelVideo


class ProgressListener(Protocol):
    """Told how an action goes on, from the thread that runs it."""

    def progress(self, what: str, done: int, total: int) -> None:
        """So much is done of what is named: restoring, propagating or writing."""

    def arrived(self, frame: int) -> None:
        """`labels(frame, "live")` are new."""


class NullListener:
    """Does not look."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Do nothing."""

    def arrived(self, frame: int) -> None:
        """Do nothing."""


SCORES = "scores.json"
FEW = 20
"""So many objects of a project have room in the session at once; of more, only those with prompts."""


class Unfinished(Exception):  # noqa: N818 - what it was that ended the propagation is its cause
    """A propagation ended early; what it had finished is written."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{len(answer.frames)} frames were finished")
        self.answer = answer


class Answers:
    """Asks the model about actions and keeps what it says.

    Args:
        model: asked.
        masks: where labels go.
        info: the video's size.
        name: of the method, for messages.
        faults: frames that are damaged in the video, as far as it is known at any time.
    """

    def __init__(
        self,
        model: SessionSync,
        masks: MaskFiles,
        info: VideoInfo,
        name: str,
        *,
        faults: Collection[int] = (),
    ) -> None:
        self._model = model
        self._masks = masks
        self._info = info
        self._name = name
        self._faults = faults
        self._live: VersionWriter | None = None
        self._scores: dict[str, tuple[float, ...] | None] = {}

    def answer(
        self,
        number: int,
        action: Action,
        content: Content,
        *,
        preview: bool,
        watch: ProgressListener,
        go_on: Callable[[], None],
    ) -> Answer | None:
        """Ask the model, and write what it says.

        Args:
            number: of the action.
            action: just logged.
            content: before it.
            preview: prompts are answered at once.
            watch: told how it goes on.
            go_on: raises when the action shall end.

        Returns:
            What was written; None where the model need not be asked.

        Raises:
            Unfinished: a propagation ended early, but some frames are written.
        """
        if isinstance(action, PROMPTS) and preview:
            self._reach(content, (action,), watch, go_on, preview=True)
            return self._write(number, self._model.ask((action,)))
        if not needs_answer(content, action):
            return None
        asks = content.commit_asks
        prompts = [drawn.action for drawn in content.pending] if asks else []
        self._reach(content, prompts, watch, go_on, preview=not asks)
        found = self._model.ask(prompts) if asks else {}
        if isinstance(action, Commit):
            return self._write(number, found)
        return self._propagate(number, content, watch, go_on)

    def live(self, frame: int) -> Labels | None:
        """What the propagation under way has made of a frame by now."""
        writer = self._live
        return None if writer is None else writer.read(frame)

    def scores(self, version: str | None) -> tuple[float, ...] | None:
        """How much each frame of a round deserves a look; None where that is not known."""
        if version is None:
            return None
        if version not in self._scores:
            self._scores[version] = self._read_scores(version)
        return self._scores[version]

    def _read_scores(self, version: str) -> tuple[float, ...] | None:
        try:
            text = self._masks.text(version, SCORES)
            scores = () if text is None else tuple(map(float, json.loads(text)))
        except (OSError, ValueError, TypeError):  # damaged; only the suggestions need them
            return None
        return scores if len(scores) == self._info.num_frames else None

    def _reach(
        self,
        content: Content,
        prompts: Sequence[AddPrompt],
        watch: ProgressListener,
        go_on: Callable[[], None],
        *,
        preview: bool,
    ) -> None:
        def progress(done: int, total: int) -> None:
            go_on()
            watch.progress("restoring", done, total)

        steps = content.steps(preview=preview)
        objects = (
            [item.id for item in content.objects] if len(content.objects) <= FEW else objects_of(prompts)
        )
        self._model.reach(steps, objects=objects, progress=progress)
        go_on()

    def _write(self, number: int, labels: dict[int, Labels]) -> Answer:
        version = f"a{number}"
        self._masks.write(version, labels)
        return Answer(version, tuple(sorted(labels)))

    def _propagate(
        self, number: int, content: Content, watch: ProgressListener, go_on: Callable[[], None]
    ) -> Answer:
        version = f"r{number}"
        sure = RoundConfidences(self._masks, self._info.num_frames, before=content.base)
        writer = self._masks.writer(version, like=content.base)

        def progress(done: int, total: int) -> None:
            go_on()
            watch.progress("propagating", done, total)

        def arrived(frame: int, labels: Labels, confidence: float | None = None) -> None:
            go_on()
            writer.put(frame, labels)
            sure.tell(frame, confidence)
            watch.arrived(frame)

        self._live = writer
        try:
            video = self._model.spread(version, progress, arrived)
            self._write_round(writer, video, watch, go_on)
            for frame in self._faults:
                sure.tell(frame, 0.0)  # what is damaged in the video is to be looked at
            confidences = sure.finish(video)
            scores = look_scores((video[frame] for frame in range(len(video))), confidences)
            writer.add(CONFIDENCES, json.dumps(confidences))
            writer.add(SCORES, json.dumps([round(float(score), 3) for score in scores]))
            writer.finish()
        except BaseException as error:
            if (frames := writer.frames) and _keeps(error) and _finished(writer):
                raise Unfinished(Answer(version, frames)) from error
            writer.abandon()
            raise
        finally:
            self._live = None
        return Answer(version)

    def _write_round(
        self, writer: VersionWriter, video: LabelVideo, watch: ProgressListener, go_on: Callable[[], None]
    ) -> None:
        """Write all frames that have not arrived as they are in the end."""
        total = self._info.num_frames
        if len(video) != total:
            raise ValueError(f"{self._name} gave labels of {len(video)} frames, the video has {total}")
        for frame in range(total):
            go_on()
            writer.put(frame, np.ascontiguousarray(video[frame]))
            watch.progress("writing", frame + 1, total)


def _keeps(error: BaseException) -> bool:
    """Whether what was written before this error is whole: not where the disk was full."""
    return isinstance(error, Exception) and not isinstance(error, OSError)


def _finished(writer: VersionWriter) -> bool:
    """Whether what was written by now is on disk under its name."""
    try:
        writer.finish()
    except OSError:
        return False
    return True
