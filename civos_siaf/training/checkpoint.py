"""The complete state of a training on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
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

    def check_identity(self, identity: str, path: Path) -> None:
        """Refuse to go on with other settings.

        Raises:
            ValueError: names what differs.
        """
        same_training(self.identity, identity, made=f"{path}")


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


def same_training(old: str, new: str, *, made: str) -> None:
    """Refuse to take one training for another.

    Args:
        old: identity of the training that is there.
        new: of that which is wanted.
        made: what the message begins with.

    Raises:
        ValueError: names what differs.
    """
    there, wanted = json.loads(old), json.loads(new)
    if "start" not in there:
        wanted.pop("start", None)  # it began before start weights were compared
    kinds = [one.get("trainer", {}).get("precision") for one in (there, wanted)]
    if "auto" in kinds and kinds[0] != kinds[1]:
        there["trainer"].pop("precision", None)  # auto may have been any
        wanted["trainer"].pop("precision", None)
    if there != wanted:
        changed = differences(there, wanted)
        raise ValueError(
            f"{made} was made with other settings: {'; '.join(changed[:6])}. "
            "Use those, or another folder for a new training"
        )


def differences(old: Any, new: Any, name: str = "") -> list[str]:
    """Where two trees of settings differ, one line each.

    >>> differences({"lr": 1, "seed": 0}, {"lr": 2, "seed": 0})
    ['lr: 1, now 2']
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = sorted({*old, *new})
        return [
            line
            for key in keys
            for line in differences(
                old.get(key, ABSENT), new.get(key, ABSENT), f"{name}.{key}" if name else str(key)
            )
        ]
    return [] if old == new else [f"{name}: {old}, now {new}"]
