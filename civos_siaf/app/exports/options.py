"""Options of the formats: fields of a dataclass that say what they mean and what they take."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from civos_siaf.runtime.text_files import read_text

Kind = TypeVar("Kind")


def option(
    default: Any,
    text: str,
    *,
    choices: tuple[str, ...] = (),
    least: float = -math.inf,
    most: float = math.inf,
) -> Any:
    """A field of a format's dataclass: its default, what it means, and the values it takes."""
    limits = {"help": text, "choices": choices, "least": least, "most": most}
    return dataclasses.field(default=default, metadata=limits)


def frames_option(default_every: int | None = 1) -> Any:
    """The field `frames` of a format: all of them, or only those that a person has looked at."""
    what = "all of them" if default_every is None else "every n-th"
    return option("all", f"{what}, or all that are marked as reviewed", choices=("all", "reviewed"))


def classes_option() -> Any:
    """The field `classes` of a format: fixed numbers, so that the exports of many videos agree."""
    return option("", "names of all classes in the order of their numbers: with commas, or one a line")


def read_class_file(options: Mapping[str, object]) -> dict[str, object]:
    """Options with the names in place of a file of them: `classes` as a path, or as a list of names.

    For options of the person whose computer this is; those of a page are never paths.

    Raises:
        ValueError: `classes` ends in .txt, and there is no such file.
    """
    classes = options.get("classes")
    if isinstance(classes, list | tuple):
        return {**options, "classes": "".join(f"{name}\n" for name in classes)}
    if isinstance(classes, Path) or (isinstance(classes, str) and classes.endswith(".txt")):
        if not Path(classes).is_file():
            raise ValueError(f"classes={classes}: no such file; it has the name of a class in every line")
        return {**options, "classes": read_text(Path(classes)).rstrip("\n") + "\n"}
    return dict(options)


def describe(kind: type) -> list[dict[str, object]]:
    """The options of a format as JSON: name, type, default, help, and choices or limits if it has any."""
    types = get_type_hints(kind)
    rows = []
    for field in dataclasses.fields(kind):
        limits = field.metadata
        row = {"name": field.name, "type": types[field.name].__name__, "default": field.default}
        row["help"] = limits["help"]
        if limits["choices"]:
            row["choices"] = list(limits["choices"])
        row |= {key: limits[key] for key in ("least", "most") if math.isfinite(limits[key])}
        rows.append(row)
    return rows


def build(kind: type[Kind], options: Mapping[str, object], *, what: str) -> Kind:
    """The dataclass `kind` with options from outside.

    Raises:
        ValueError: an unknown option, or a value of another type or outside the limits.
    """
    types = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    values = {}
    for name, value in options.items():
        if name not in fields:
            raise ValueError(f"{what} has no option {name!r}; it has {', '.join(fields) or 'none'}")
        values[name] = _checked(f"{what}: {name}", value, types[name], fields[name].metadata)
    return kind(**values)


def _checked(what: str, value: object, kind: type, limits: Mapping[str, Any]) -> object:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        raise ValueError(f"{what} must be {kind.__name__}, got {value!r}")
    if limits["choices"] and value not in limits["choices"]:
        raise ValueError(f"{what} must be one of {', '.join(limits['choices'])}, got {value!r}")
    if isinstance(value, int | float) and not limits["least"] <= value <= limits["most"]:
        raise ValueError(f"{what} must be in [{limits['least']}, {limits['most']}], got {value!r}")
    return value
