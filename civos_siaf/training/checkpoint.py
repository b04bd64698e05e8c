"""The complete state of a training on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from civos_siaf.runtime.files import atomic_path
from civos_siaf.weights.load import read_plain

LAST = "last.pt"
SETTINGS = "settings.json"
"""What a training depends on, beside its weights."""
ABSENT = "not there"
PLAN = ("trainer.steps", "trainer.lr", "trainer.schedule")
"""What `replan` may change, and with it every setting that is the number of steps."""
PATHS = frozenset({"root", "images", "annotations", "masks", "folder", "weights", "backbone", "file", "list"})
"""Keys whose values are paths, also where these have no slash."""
PATH = "<path>"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a training needs to go on as if it had never stopped.

    Attributes:
        step: optimiser steps done.
        identity: settings that results depend on, as JSON text.
        best: best validation score so far; None: not validated yet.
        states: state dictionaries by name (task, optimizer, ema, scaler).
    """

    step: int
    identity: str
    best: float | None
    states: dict[str, dict[str, Any]]

    def save(self, path: Path) -> None:
        """Write in one piece."""
        content = {"step": self.step, "identity": self.identity, "best": self.best, "states": self.states}
        with atomic_path(path) as temporary:
            torch.save(content, temporary)

    @classmethod
    def load(cls, path: Path) -> Checkpoint:
        """Read; nothing inside the file is run.

        Raises:
            ValueError: not a checkpoint of a training, or damaged.
        """
        try:
            content: Any = read_plain(path)
            return cls(content["step"], content["identity"], content["best"], content["states"])
        except (ValueError, KeyError, TypeError) as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise ValueError(f"{path}: not a complete checkpoint of a training ({reason})") from error

    def check_identity(self, identity: str, path: Path, *, replan: bool = False) -> list[str]:
        """Refuse to go on with other settings; see `same_training`."""
        return same_training(self.identity, identity, made=f"{path}", replan=replan)


def identity_text(settings: Mapping[str, Any]) -> str:
    """Settings as the text that a training is recognised by."""
    return json.dumps(settings, sort_keys=True, default=str)


def finished_identity(folder: Path) -> str | None:
    """The identity of the training that a folder holds; None if nothing there says it."""
    if (path := folder / SETTINGS).exists():
        return path.read_text(encoding="utf-8")
    path = folder / LAST
    return Checkpoint.load(path).identity if path.exists() else None


def require_fresh(checkpoint: Checkpoint, path: Path) -> None:
    """Refuse to begin anew over a training that was not begun as one to be written over.

    Raises:
        ValueError: names the file.
    """
    if not json.loads(checkpoint.identity).get("fresh"):
        raise ValueError(
            f"{path} is of a training that is to be kept, and this one begins anew (debug=on): give it "
            "another folder=..."
        )


def same_training(old: str, new: str, *, made: str, replan: bool = False) -> list[str]:
    """Refuse to take one training for another.

    Where data and weights lie is no part of a training: what is in the weight files is compared by hashes.

    Args:
        old: identity of the training that is there.
        new: of that which is wanted.
        made: what the message begins with.
        replan: another number of steps, rate or schedule is the same training with a new plan.

    Returns:
        What is planned anew, one line each.

    Raises:
        ValueError: names what differs.
    """
    there, wanted = without_paths(json.loads(old)), without_paths(json.loads(new))
    if "start" not in there:
        wanted.pop("start", None)  # it began before start weights were compared
    kinds = [one.get("trainer", {}).get("precision") for one in (there, wanted)]
    if "auto" in kinds and kinds[0] != kinds[1]:
        there["trainer"].pop("precision", None)  # auto may have been any
        wanted["trainer"].pop("precision", None)
    changed = list(_differences(there, wanted))
    steps = tuple(one.get("trainer", {}).get("steps") for one in (there, wanted))
    planned = [one for one in changed if one[0].startswith(PLAN) or one[1:] == steps]
    if not changed or (replan and len(planned) == len(changed)):
        return [_line(*one) for one in changed]
    others = [one for one in changed if one not in planned] if replan else changed
    hint = "Use those, or another folder for a new training"
    if len(planned) == len(changed):
        hint += ", or replan=true to go on with a new plan"
    raise ValueError(
        f"{made} was made with other settings: {'; '.join(_line(*one) for one in others[:6])}. {hint}"
    )


def without_paths(settings: Any, name: str = "") -> Any:
    """Settings with a mark in place of every path; `name` is the key that they are the value of.

    >>> without_paths({"root": "davis", "list": "/data/train.txt", "year": "2016"})
    {'root': '<path>', 'list': '<path>', 'year': '2016'}
    """
    if isinstance(settings, Mapping):
        hashes = "start"  # of weight files, by the same keys
        return {k: v if k == hashes else without_paths(v, str(k)) for k, v in settings.items()}
    if isinstance(settings, list):
        return [without_paths(value, name) for value in settings]
    if isinstance(settings, str) and (name in PATHS or "/" in settings or "\\" in settings):
        return PATH
    return settings


def differences(old: Any, new: Any) -> list[str]:
    """Where two trees of settings differ, one line each.

    >>> differences({"lr": 1, "seed": 0}, {"lr": 2, "seed": 0})
    ['lr: 1, now 2']
    """
    return [_line(*one) for one in _differences(old, new)]


def _differences(old: Any, new: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two trees of settings differ: name, and both values."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            below = f"{name}.{key}" if name else str(key)
            yield from _differences(old.get(key, ABSENT), new.get(key, ABSENT), below)
    elif old != new:
        yield name, old, new


def _line(name: str, old: Any, new: Any) -> str:
    return f"{name}: {old}, now {new}"
