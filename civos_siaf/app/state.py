"""The state of a project as everybody sees it: one immutable value, with its JSON form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from civos_siaf.app.actions import AddMask, to_json
from civos_siaf.app.content import Content, Drawn, drawn_in
from civos_siaf.app.objects import ObjectInfo
from civos_siaf.app.video_info import VideoInfo


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
        """As the page gets it."""
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
            "prompts": [_prompt(drawn, status) for drawn, status in self.prompts()],
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
            "scores": None if self.scores is None else list(self.scores),
            "model": {"name": self.model, "ready": self.ready},
        }

    def _frames(self) -> dict[str, list[int]]:
        """Marks of the timeline: with any prompt, with a committed one, with masks of a round, reviewed."""
        prompts = list(self.prompts())
        overrides = self.content.overrides
        spread = range(self.project.video.num_frames) if self.round else ()
        reviews = self.content.reviews
        return {
            "prompted": sorted({drawn.action.frame for drawn, _ in prompts}),
            "committed": sorted({drawn.action.frame for drawn, status in prompts if status != "pending"}),
            "propagated": [frame for frame in spread if frame not in overrides],
            "reviewed": sorted(frame for frame, mark in reviews.items() if mark == "reviewed"),
            "doubtful": sorted(frame for frame, mark in reviews.items() if mark == "doubtful"),
        }


def _prompt(drawn: Drawn, status: str) -> dict[str, object]:
    data = to_json(drawn.action)
    if isinstance(drawn.action, AddMask):
        del data["rle"]  # large, and nobody draws it
    return {"id": drawn.id, "kind": data.pop("type")} | data | {"status": status}
