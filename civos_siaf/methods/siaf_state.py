"""What a SIAF session knows at a moment, and how that is kept on disk."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from civos_siaf.interaction.clicked_labels import Probability
from civos_siaf.prompts import Click, Prompt, Prompts, Scribble
from civos_siaf.propagation.aot_propagator import AotPropagator, AotState
from civos_siaf.propagation.label_store import LabelState
from civos_siaf.protocol import Labels
from civos_siaf.runtime.files import atomic_path, write_text

FORMAT = 1
STATE, LABELS = "state.json", "labels.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Clicked:
    """Clicks on one frame that follow each other.

    Attributes:
        before: labels (H, W) of the frame before this round's clicks; None: unknown.
        clicks: of this round and of earlier ones.
        found: probability (H, W) of each object that these clicks gave.
    """

    before: Labels | None
    clicks: tuple[Click, ...]
    found: dict[int, Probability] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class SessionState:
    """All that interactions and rounds change.

    Attributes:
        propagator: its state.
        shown: this round's labels of the prompted frames.
        known: objects of these frames: where they are not in the labels, they are not on the frame.
        named: objects that were prompted so far; the others cannot be anywhere.
        clicked: frames on which clicks alone were answered.
        drawn: all strokes and clicks so far, by frame.
    """

    propagator: AotState
    shown: dict[int, Labels] = field(default_factory=dict)
    known: dict[int, frozenset[int]] = field(default_factory=dict)
    named: frozenset[int] = frozenset()
    clicked: dict[int, Clicked] = field(default_factory=dict)
    drawn: dict[int, Prompts] = field(default_factory=dict)


def save_state(folder: Path, moment: SessionState, size: tuple[int, int]) -> None:
    """Write what the rounds before have left.

    Of a round under way its strokes, clicks and the objects that it named are written, its labels are not.

    Args:
        folder: made if need be.
        moment: of a session.
        size: (H, W) of the frames.
    """
    state = moment.propagator
    packed = {str(t): np.frombuffer(own, np.uint8) for t, own in enumerate(state.labels) if own is not None}
    with atomic_path(folder / LABELS) as path, path.open("wb") as file:
        np.savez(file, **packed)  # type: ignore[arg-type]
    record = {
        "format": FORMAT,
        "num_frames": len(state.labels),
        "size": list(size),
        "num_objects": state.num_objects,
        "named": sorted(moment.named),
        "annotated": {str(t): sorted(own) for t, own in state.objects.items()},
        "drawn": {str(t): [_row(item) for item in own] for t, own in moment.drawn.items()},
        "clicked": {str(t): len(own.clicks) for t, own in moment.clicked.items()},
    }
    write_text(folder / STATE, json.dumps(record))


def load_state(folder: Path, propagator: AotPropagator) -> SessionState:
    """Bring a propagator that was just opened to what was saved.

    Raises:
        FileNotFoundError: nothing was saved there.
        ValueError: it is of another video or format, or damaged.
    """
    path = folder / STATE
    if not path.is_file():
        raise FileNotFoundError(f"no saved session at {path}")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        expected = [FORMAT, len(propagator.labels), list(propagator.labels.size)]
        found = [record["format"], record["num_frames"], record["size"]]
        if found != expected:
            raise ValueError(f"format, frames and size (H, W) are {found}, expected {expected}")
        annotated = {int(t): frozenset(map(int, own)) for t, own in record["annotated"].items()}
        labels = _labels(folder / LABELS, len(propagator.labels))
        propagator.resume(labels, annotated, num_objects=int(record["num_objects"]))
        drawn = {int(t): _prompts(int(t), rows) for t, rows in record["drawn"].items()}
        return SessionState(
            propagator.snapshot(),
            named=frozenset(map(int, record["named"])),
            clicked={
                int(t): Clicked(None, drawn[int(t)].clicks[-int(count) :])
                for t, count in record["clicked"].items()
            },
            drawn=drawn,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{folder}: not a session saved of this video ({error})") from error


def _labels(path: Path, num_frames: int) -> LabelState:
    with np.load(path, allow_pickle=False) as file:
        packed: Mapping[str, NDArray[np.uint8]] = file
        return tuple(packed[str(t)].tobytes() if str(t) in packed else None for t in range(num_frames))


def _row(item: Prompt) -> list[object]:
    """An object, and a place and sign of a click, or the points of a stroke."""
    if isinstance(item, Click):
        return [item.object_id, item.x, item.y, item.positive]
    assert isinstance(item, Scribble)
    return [item.object_id, item.points.tolist()]


def _prompts(frame: int, rows: list[list[Any]]) -> Prompts:
    return Prompts(
        tuple(
            Scribble(frame, int(row[0]), row[1])
            if len(row) == 2
            else Click(frame, int(row[0]), x=float(row[1]), y=float(row[2]), positive=bool(row[3]))
            for row in rows
        )
    )
