"""What the actions make of a project: objects and their colours, prompts, rounds, marks."""

from __future__ import annotations

import colorsys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from civos_siaf.app.document.actions import (
    PROMPTS,
    Action,
    AddObject,
    AddPrompt,
    ChangeObject,
    Clear,
    Commit,
    DeleteObject,
    Propagate,
    Review,
    Status,
)

# fmt: off
_COLOURS = (
    "#e6194b", "#5a2dff", "#fff000", "#87d2ff", "#a5ffe1", "#b40f78", "#ffe187", "#4b87f0", "#f06900",
    "#4bb487", "#5a87b4", "#69c3c3", "#d2000f", "#0f5ae1", "#c3e1a5", "#00d24b", "#784bb4", "#b41e5a",
    "#78a5f0", "#3cffff",
)
# fmt: on
"""Each is as far as can be from those before it, for people who see all colours and for those with
deuteranopia or protanopia (distance in Lab; a search over all saturated colours that are not dark)."""
_GOLDEN = 0.6180339887


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object.

    Attributes:
        id: its number, 1..254; its label.
        name: for people.
        colour: #rrggbb.
        hidden: whether the page leaves it out.
        deleted: it is no more; its number stays taken.
    """

    id: int
    name: str
    colour: str
    hidden: bool = False
    deleted: bool = False

    def to_json(self) -> dict[str, object]:
        """As the page gets it."""
        return {"id": self.id, "name": self.name, "colour": self.colour, "hidden": self.hidden}


def next_colour(number: int, taken: Collection[str]) -> str:
    """A colour for object `number`: the first of twenty that is free, then hues as far apart as can be."""
    for colour in _COLOURS:
        if colour not in taken:
            return colour
    rgb = colorsys.hsv_to_rgb(number * _GOLDEN % 1, 0.55 + 0.4 * (number % 2), 0.95 - 0.25 * (number % 3) / 2)
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model made of an action: a version of labels, of these frames, or of all (`frames` empty).

    A propagation that has frames was not finished: these were.
    """

    version: str
    frames: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawn:
    """A prompt that was drawn.

    Attributes:
        id: the number of its action.
        action: what was drawn.
        answer: version of its frame's labels, if the model was asked.
    """

    id: int
    action: AddPrompt
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class PromptGroup:
    """Prompts that were committed.

    Attributes:
        prompts: in the order of drawing.
        together: they were answered in one call; otherwise one by one.
    """

    prompts: tuple[Drawn, ...]
    together: bool


@dataclass(frozen=True, slots=True)
class Round:
    """A propagation: what was committed for it, and the version it made."""

    groups: tuple[PromptGroup, ...]
    version: str


@dataclass(frozen=True, slots=True)
class PropagateStep:
    """The step of a model that ends a round."""

    version: str


Step: TypeAlias = "tuple[AddPrompt, ...] | PropagateStep"
"""What a model is asked: prompts to be answered in one call, or a propagation."""


@dataclass(frozen=True, slots=True)
class Content:
    """The project after some actions.

    Attributes:
        objects: all that ever were, the deleted ones, too; object k at place k - 1.
        pending: prompts that are not committed.
        stale: a pending prompt was taken away whose answer others were built on.
        groups: what was committed since the last round.
        settled: versions of the frames committed since the last round.
        rounds: all rounds.
        reviews: marks by frame.
        kept: versions of frames that a propagation since the last round had made when it ended early.
    """

    objects: tuple[ObjectInfo, ...] = ()
    pending: tuple[Drawn, ...] = ()
    stale: bool = False
    groups: tuple[PromptGroup, ...] = ()
    settled: Mapping[int, str] = field(default_factory=dict)
    rounds: tuple[Round, ...] = ()
    reviews: Mapping[int, Status] = field(default_factory=dict)
    kept: Mapping[int, str] = field(default_factory=dict)

    @property
    def living(self) -> tuple[ObjectInfo, ...]:
        """The objects that are not deleted."""
        return tuple(info for info in self.objects if not info.deleted)

    @property
    def base(self) -> str | None:
        """Version of the last round."""
        return self.rounds[-1].version if self.rounds else None

    @property
    def overrides(self) -> dict[int, str]:
        """Versions by frame that are shown in the place of the last round's."""
        return {**self.kept, **self.settled, **self._answered}

    @property
    def unfinished(self) -> set[int]:
        """Frames that show what a propagation had made when it ended early."""
        return {*self.kept} - {*self.settled} - {*self._answered}

    @property
    def _answered(self) -> dict[int, str]:
        return {drawn.action.frame: drawn.answer for drawn in self.pending if drawn.answer}

    @property
    def pending_frames(self) -> set[int]:
        """Frames with prompts that are not committed."""
        return {drawn.action.frame for drawn in self.pending}

    @property
    def commit_asks(self) -> bool:
        """Whether a commit must ask the model: otherwise what is shown is the answer already."""
        answered = all(drawn.answer for drawn in self.pending)
        return bool(self.pending) and not (len(self.pending_frames) == 1 and answered and not self.stale)

    def steps(self, *, preview: bool) -> tuple[Step, ...]:
        """What a model must have been asked to be where this project is.

        Args:
            preview: pending prompts were asked, too.
        """
        asked: list[Step] = []
        for played in self.rounds:
            asked += [*_asked(played.groups), PropagateStep(played.version)]
        asked += _asked(self.groups)
        if preview:
            asked += [(drawn.action,) for drawn in self.pending]
        return tuple(asked)


def drawn_in(groups: Iterable[PromptGroup]) -> Iterator[Drawn]:
    """All prompts of some groups."""
    return (drawn for group in groups for drawn in group.prompts)


def needs_answer(content: Content, action: Action) -> bool:
    """Whether the action only counts when the model has answered it."""
    return isinstance(action, Propagate) or (isinstance(action, Commit) and content.commit_asks)


def step(content: Content, number: int, action: Action, answer: Answer | None) -> Content:
    """The project after one more action, which was checked before; `number` is that of its journal line."""
    if isinstance(action, PROMPTS):
        drawn = Drawn(number, action, answer.version if answer else None)
        return replace(content, pending=(*content.pending, drawn))
    if isinstance(action, Clear):
        return _without(content, [item for item in content.pending if item.action.frame == action.frame])
    if isinstance(action, Commit):
        return _committed(content, answer)
    if isinstance(action, Propagate):
        assert answer is not None
        if answer.frames:
            return replace(content, kept={**content.kept, **dict.fromkeys(answer.frames, answer.version)})
        groups = _committed(content, answer).groups
        played = Round(groups, answer.version)
        return replace(
            content, pending=(), stale=False, groups=(), settled={}, kept={}, rounds=(*content.rounds, played)
        )
    if isinstance(action, Review):
        reviews = {frame: mark for frame, mark in content.reviews.items() if frame != action.frame}
        return replace(content, reviews=reviews | ({action.frame: action.status} if action.status else {}))
    return _with_objects(content, action)


def _asked(groups: tuple[PromptGroup, ...]) -> list[Step]:
    asked: list[Step] = []
    for group in groups:
        actions = tuple(drawn.action for drawn in group.prompts)
        asked += [actions] if group.together else [(action,) for action in actions]
    return asked


def _committed(content: Content, answer: Answer | None) -> Content:
    if not content.pending:
        return content
    together = content.commit_asks
    settled = {**content.settled, **content._answered}
    if together and answer is not None:
        settled |= dict.fromkeys(answer.frames, answer.version)
    groups = (*content.groups, PromptGroup(content.pending, together))
    return replace(content, pending=(), stale=False, groups=groups, settled=settled)


def _without(content: Content, gone: list[Drawn]) -> Content:
    """Pending prompts are taken away."""
    if not gone:
        return content
    numbers = {drawn.id for drawn in gone}
    kept = tuple(drawn for drawn in content.pending if drawn.id not in numbers)
    built_on = any(drawn.id > min(numbers) for drawn in kept)
    return replace(content, pending=kept, stale=bool(kept) and (content.stale or built_on))


def _with_objects(content: Content, action: Action) -> Content:
    objects = list(content.objects)
    if isinstance(action, AddObject):
        number = len(objects) + 1
        taken = {info.colour for info in content.living}
        colour = action.colour or next_colour(number, taken)
        objects.append(ObjectInfo(number, action.name or f"object {number}", colour))
    elif isinstance(action, ChangeObject):
        old = objects[action.object_id - 1]
        objects[action.object_id - 1] = replace(
            old,
            name=action.name or old.name,
            colour=action.colour or old.colour,
            hidden=old.hidden if action.hidden is None else action.hidden,
        )
    elif isinstance(action, DeleteObject):
        objects[action.object_id - 1] = replace(objects[action.object_id - 1], deleted=True)
        own = [item for item in content.pending if item.action.object_id == action.object_id]
        content = _without(content, own)
    return replace(content, objects=tuple(objects))
