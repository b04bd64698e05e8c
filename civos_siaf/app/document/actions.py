"""The actions a person can take on a project; each is a line of the journal, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Literal, TypeAlias

from civos_siaf.app.document.json_reader import JsonReader
from civos_siaf.masks import RunLengths

MAX_POINTS = 10_000
MAX_NAME = 200
MAX_OBJECTS = 254

Status: TypeAlias = Literal["reviewed", "doubtful"]


class ActionError(ValueError):
    """An action that cannot be taken; the message is for the person, and nothing has changed."""


class BusyError(ActionError):
    """Another action is under way that takes long; it can be cancelled."""


class Cancelled(Exception):  # noqa: N818 - no error, it was asked for
    """The action was cancelled; nothing has changed but that finished frames of a propagation are kept.

    Attributes:
        kept: how many.
    """

    def __init__(self, message: str, *, kept: int = 0) -> None:
        super().__init__(message)
        self.kept = kept


@dataclass(frozen=True, slots=True)
class AddObject:
    """A further object; without a name or a colour it gets one."""

    type: ClassVar[str] = "add_object"
    name: str | None = None
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeObject:
    """Another name or colour (#rrggbb) of an object, or whether it is hidden; None: as it is."""

    type: ClassVar[str] = "change_object"
    object_id: int
    name: str | None = None
    colour: str | None = None
    hidden: bool | None = None


@dataclass(frozen=True, slots=True)
class DeleteObject:
    """An object is no more; its number is never used again and its pixels are background."""

    type: ClassVar[str] = "delete_object"
    object_id: int


@dataclass(frozen=True, slots=True)
class AddClick:
    """A point (x, y) that belongs to the object, or does not."""

    type: ClassVar[str] = "click"
    frame: int
    object_id: int
    x: float
    y: float
    positive: bool = True


@dataclass(frozen=True, slots=True)
class AddScribble:
    """A stroke through points (x, y); object 0 is background."""

    type: ClassVar[str] = "scribble"
    frame: int
    object_id: int
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class AddBox:
    """A rectangle around the object; the corners may come in any order."""

    type: ClassVar[str] = "box"
    frame: int
    object_id: int
    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        for low, high in (("x0", "x1"), ("y0", "y1")):
            ends = sorted((getattr(self, low), getattr(self, high)))
            object.__setattr__(self, low, ends[0])
            object.__setattr__(self, high, ends[1])


@dataclass(frozen=True, slots=True)
class AddMask:
    """The mask of the object on a frame as it is: `size` (H, W) and COCO's compressed run lengths."""

    type: ClassVar[str] = "mask"
    frame: int
    object_id: int
    size: tuple[int, int]
    counts: str

    @property
    def rle(self) -> RunLengths:
        """The mask as `civos_siaf.masks.from_rle` takes it."""
        return {"size": list(self.size), "counts": self.counts}


@dataclass(frozen=True, slots=True)
class Clear:
    """The pending prompts of a frame are taken away."""

    type: ClassVar[str] = "clear"
    frame: int


@dataclass(frozen=True, slots=True)
class Commit:
    """The pending prompts of all frames are answered together."""

    type: ClassVar[str] = "commit"


@dataclass(frozen=True, slots=True)
class Propagate:
    """Pending prompts are committed, and masks are made on every frame."""

    type: ClassVar[str] = "propagate"


@dataclass(frozen=True, slots=True)
class Review:
    """What the person thinks of a frame; None takes the mark away."""

    type: ClassVar[str] = "review"
    frame: int
    status: Status | None


@dataclass(frozen=True, slots=True)
class Undo:
    """The last action is taken back."""

    type: ClassVar[str] = "undo"


@dataclass(frozen=True, slots=True)
class Redo:
    """The action that was taken back last is done again."""

    type: ClassVar[str] = "redo"


AddPrompt: TypeAlias = AddClick | AddScribble | AddBox | AddMask
Action: TypeAlias = (
    AddObject | ChangeObject | DeleteObject | AddPrompt | Clear | Commit | Propagate | Review | Undo | Redo
)
PROMPTS = (AddClick, AddScribble, AddBox, AddMask)


def from_json(data: object) -> Action:
    """An action from its JSON form; everything that can be checked without the project is checked.

    Raises:
        ActionError: says which field is wrong and what was expected.

    >>> from_json({"type": "click", "frame": 3, "object": 1, "x": 10, "y": 20.5, "positive": True})
    AddClick(frame=3, object_id=1, x=10.0, y=20.5, positive=True)
    """
    if not isinstance(data, Mapping):
        raise ActionError(f"an action is a JSON object, got {type(data).__name__}")
    kind = data.get("type")
    if not isinstance(kind, str) or kind not in _READERS:
        raise ActionError(f"type of an action must be one of {', '.join(_READERS)}; got {str(kind)[:40]!r}")
    try:
        reader = JsonReader(data, known=("type",))
        action = _READERS[kind](reader)
        reader.finish()
    except ValueError as error:
        raise ActionError(f"{kind}: {error}") from error
    return action


def to_json(action: Action) -> dict[str, object]:
    """The JSON form of an action.

    >>> to_json(Clear(frame=4))
    {'type': 'clear', 'frame': 4}
    """
    data: dict[str, object] = {"type": action.type}
    if isinstance(action, AddMask):
        return data | {"frame": action.frame, "object": action.object_id, "rle": action.rle}
    for field in fields(action):
        value = getattr(action, field.name)
        if value is None and field.name != "status":
            continue
        if field.name == "points":
            value = [list(point) for point in value]
        data["object" if field.name == "object_id" else field.name] = value
    return data


def _change(read: JsonReader) -> Action:
    action = ChangeObject(
        read.whole("object", least=1), read.text("name", MAX_NAME), read.colour("colour"), read.flag("hidden")
    )
    if (action.name, action.colour, action.hidden) == (None, None, None):
        raise ValueError("needs a name, a colour or hidden")
    return action


def _click(read: JsonReader) -> Action:
    positive = read.flag("positive")
    return AddClick(
        read.whole("frame"),
        read.whole("object", least=1),
        read.number("x"),
        read.number("y"),
        True if positive is None else positive,
    )


def _mask(read: JsonReader) -> Action:
    size, counts = read.run_lengths("rle")
    return AddMask(read.whole("frame"), read.whole("object", least=1), size, counts)


def _review(read: JsonReader) -> Action:
    status = read.choice("status", ("reviewed", "doubtful", None))
    return Review(read.whole("frame"), status)  # type: ignore[arg-type] # one of the choices


_READERS: dict[str, Callable[[JsonReader], Action]] = {
    "add_object": lambda read: AddObject(read.text("name", MAX_NAME), read.colour("colour")),
    "change_object": _change,
    "delete_object": lambda read: DeleteObject(read.whole("object", least=1)),
    "click": _click,
    "scribble": lambda read: AddScribble(
        read.whole("frame"), read.whole("object"), read.points("points", MAX_POINTS)
    ),
    "box": lambda read: AddBox(
        read.whole("frame"),
        read.whole("object", least=1),
        *(read.number(name) for name in ("x0", "y0", "x1", "y1")),
    ),
    "mask": _mask,
    "clear": lambda read: Clear(read.whole("frame")),
    "commit": lambda read: Commit(),
    "propagate": lambda read: Propagate(),
    "review": _review,
    "undo": lambda read: Undo(),
    "redo": lambda read: Redo(),
}
