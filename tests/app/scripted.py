"""A scripted session that a test kills: acts at random and tells every action that was answered."""

from __future__ import annotations

import json
import os
import random
import zlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from civos_siaf.app.document.actions import (
    ActionError,
    AddClick,
    AddObject,
    AddScribble,
    Clear,
    Commit,
    Propagate,
    Redo,
    Review,
    Undo,
)
from civos_siaf.app.session.annotator import Annotator
from civos_siaf.app.storage.project import Project
from tests.app.fakes import HEIGHT, WIDTH, Telltale


def act(folder: str, told: str, seed: int) -> None:
    """Go on with the project until killed; one line per answered action goes to the file `told`."""
    method = Telltale(streams=True, sure=True, saves=True, seconds=0.002)
    annotator = Annotator(Project.open(folder), method)
    out = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    rng = random.Random(seed)
    os.write(out, b"\n")
    for number in range(10_000):
        key = f"{seed}-{number}"
        try:
            annotator.apply(choose(rng), key=key)
        except ActionError:
            continue
        os.write(out, (json.dumps({"key": key} | seen(annotator)) + "\n").encode())


def act_in_batches(folder: str, told: str, seed: int) -> None:
    """The same with several actions in each batch; one line per batch."""
    annotator = Annotator(Project.open(folder), Telltale())
    out = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    rng = random.Random(seed)
    os.write(out, b"\n")
    for number in range(10_000):
        with annotator.batch():
            for _ in range(rng.randrange(1, 12)):
                with suppress(ActionError):
                    annotator.apply(choose(rng))
        os.write(out, (json.dumps({"key": f"{seed}-{number}"} | seen(annotator)) + "\n").encode())


def seen(annotator: Annotator) -> dict[str, object]:
    """What is acknowledged: the state, and the checksum of every frame's labels.

    Whether the model is in step is of the process, not of the project.
    """
    labels = [annotator.labels(frame) for frame in range(5)]
    return {
        "revision": annotator.state.revision,
        "state": zlib.crc32(repr(replace(annotator.state, ready=False)).encode()),
        "labels": [None if own is None else zlib.crc32(own.tobytes()) for own in labels],
    }


def choose(rng: random.Random):
    frame, number = rng.randrange(5), rng.randrange(1, 4)
    x, y = rng.randrange(WIDTH), rng.randrange(1, HEIGHT)
    choices = [
        (AddObject(), 2),
        (AddClick(frame, number, x, y, rng.random() < 0.7), 8),
        (AddScribble(frame, rng.randrange(4), ((x, y), (x / 2, y / 2))), 4),
        (Clear(frame), 1),
        (Commit(), 3),
        (Propagate(), 5),
        (Review(frame, rng.choice(["reviewed", "doubtful", None])), 2),
        (Undo(), 5),
        (Redo(), 4),
    ]
    actions, weights = zip(*choices, strict=True)
    return rng.choices(actions, weights)[0]


def last_told(told: Path) -> list[dict]:
    """The complete lines that were told."""
    text = told.read_bytes() if told.exists() else b""
    return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines() if line]
