"""The state of a project as everybody sees it: one immutable value, with its JSON form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from civos_siaf.app.document.actions import AddMask, to_json
from civos_siaf.app.document.content import Content, Drawn, ObjectInfo, drawn_in
from civos_siaf.app.document.video_info import VideoInfo


def spans(frames: Iterable[int]) -> list[list[int]]:
    """The spans of some frames, ascending; both ends belong to a span.

    >>> spans([7, 0, 1, 2, 2])
    [[0, 2], [7, 7]]
    """
    found: list[list[int]] = []
    for frame in sorted(frames):
        if found and frame <= found[-1][1] + 1:
            found[-1][1] = frame
        else:
            found.append([frame, frame])
    return found


def spans_without(num_frames: int, frames: Iterable[int]) -> list[list[int]]:
    """The spans of all frames of a video but these.

    >>> spans_without(5, [0, 3])
    [[1, 2], [4, 4]]
    """
    found, start = [], 0
    for first, last in [*spans(frames), [num_frames, num_frames]]:
        if first > start:
            found.append([start, first - 1])
        start = last + 1
    return found


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """What a project is of."""

    id: str
    name: str
    video: VideoInfo


@dataclass(frozen=True, slots=True)
class State:
    """A project after some actions.

    Attributes:
        project: what it is of.
        revision: lines of the journal so far; grows with every action.
        content: objects, prompts, rounds, marks.
        undo: type of the action that undo takes back.
        redo: type of the action that redo does again.
        scores: how much each frame deserves a look, 0 to 1; None before the first round.
        suggested: the frame to look at next.
        faults: frames that are damaged in the video, as far as it is known.
        model: name of the method.
        ready: whether the model is where the project is; otherwise the next prompt waits for it.
    """

    project: ProjectInfo
    revision: int
    content: Content
    undo: str | None = None
    redo: str | None = None
    scores: tuple[float, ...] | None = None
    suggested: int | None = None
    faults: tuple[int, ...] = field(default=(), compare=False)
    model: str = ""
    ready: bool = field(default=False, compare=False)

    @property
    def objects(self) -> tuple[ObjectInfo, ...]:
        """The objects that are not deleted."""
        return self.content.living

    @property
    def deleted(self) -> tuple[int, ...]:
        """Numbers of deleted objects: their pixels are background."""
        return tuple(info.id for info in self.content.objects if info.deleted)

    @property
    def round(self) -> int:
        """How many rounds were propagated."""
        return len(self.content.rounds)

    @property
    def previous(self) -> str | None:
        """Version of the round before the last."""
        return self.content.rounds[-2].version if self.round > 1 else None

    @property
    def versions(self) -> set[str]:
        """All versions of labels that are shown."""
        return {*self.content.overrides.values(), *([self.content.base] if self.content.base else [])}

    def version(self, frame: int) -> str | None:
        """Version of the labels shown on a frame; None where nothing is known yet."""
        return self.content.overrides.get(frame, self.content.base)

    def prompts(self) -> Iterator[tuple[Drawn, str]]:
        """All prompts of objects that are not deleted, each with pending, committed or propagated."""
        content = self.content
        told = [
            *((drawn, "propagated") for played in content.rounds for drawn in drawn_in(played.groups)),
            *((drawn, "committed") for drawn in drawn_in(content.groups)),
            *((drawn, "pending") for drawn in content.pending),
        ]
        gone = set(self.deleted)
        return (pair for pair in told if pair[0].action.object_id not in gone)

    def to_json(self) -> dict[str, object]:
        """As the page gets it, with every change: its size grows with what was drawn, not with the video.

        Frames are spans [first, last]. Of masks only that they are there is told, of scores their version.
        """
        video = self.project.video
        base = self.content.base
        return {
            "project": {
                "id": self.project.id,
                "name": self.project.name,
                "num_frames": video.num_frames,
                "width": video.width,
                "height": video.height,
                "rate": video.rate,
            },
            "revision": self.revision,
            "objects": [info.to_json() for info in self.objects],
            "prompts": [
                _prompt(drawn, status)
                for drawn, status in self.prompts()
                if not isinstance(drawn.action, AddMask)
            ],
            "masks": self._masks(),
            "frames": self._frames(),
            "round": self.round,
            "shown": {
                "base": base,
                "frames": {str(frame): name for frame, name in sorted(self.content.overrides.items())},
            },
            "previous": self.previous,
            "undo": self.undo,
            "redo": self.redo,
            "suggested": self.suggested,
            "scores": None if self.scores is None else base,
            "model": {"name": self.model, "ready": self.ready},
        }

    def _masks(self) -> list[dict[str, object]]:
        """Which frames have masks among their prompts: there may be one for every frame."""
        found: dict[tuple[int, str], list[int]] = {}
        for drawn, status in self.prompts():
            if isinstance(drawn.action, AddMask):
                found.setdefault((drawn.action.object_id, status), []).append(drawn.action.frame)
        return [
            {"object": number, "status": status, "frames": spans(frames)}
            for (number, status), frames in found.items()
        ]

    def _frames(self) -> dict[str, list[list[int]]]:
        """Marks of the timeline: with any prompt, with a committed one, with masks of a round, reviewed.

        Unfinished: masks of a propagation that ended early. Damaged: in the video.
        """
        prompts = [(drawn.action.frame, status) for drawn, status in self.prompts()]
        reviews = self.content.reviews
        spread = self.project.video.num_frames if self.round else 0
        return {
            "prompted": spans(frame for frame, _ in prompts),
            "pending": spans(frame for frame, status in prompts if status == "pending"),
            "committed": spans(frame for frame, status in prompts if status != "pending"),
            "propagated": spans_without(spread, self.content.overrides) if spread else [],
            "reviewed": spans(frame for frame, mark in reviews.items() if mark == "reviewed"),
            "doubtful": spans(frame for frame, mark in reviews.items() if mark == "doubtful"),
            "unfinished": spans(self.content.unfinished),
            "damaged": spans(self.faults),
        }


def _prompt(drawn: Drawn, status: str) -> dict[str, object]:
    data = to_json(drawn.action)
    return {"id": drawn.id, "kind": data.pop("type")} | data | {"status": status}
