"""What a session of a SAM knows at a moment, and how that is kept on disk."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from civos_siaf.methods.peers.sam_tracker import Track
from civos_siaf.prompts import Box, Click, MaskPrompt, Prompt, Prompts, Scribble
from civos_siaf.propagation.label_store import LabelState, pack, unpack
from civos_siaf.runtime.files import atomic_path, write_text

FORMAT = 1
STATE, LABELS, MASKS, ANSWERS = "state.json", "labels.npz", "masks.npz", "answers.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """All that interactions and rounds change.

    Attributes:
        labels: of all frames.
        num_objects: K.
        tracks: by object, of those that were prompted.
        drawn: all prompts that count, by frame, in their order.
    """

    labels: LabelState
    num_objects: int
    tracks: Mapping[int, Track] = field(default_factory=dict)
    drawn: Mapping[int, Prompts] = field(default_factory=dict)


def save_moment(folder: Path, moment: Moment, size: tuple[int, int], *, network: str) -> None:
    """Write what the rounds before have left.

    Args:
        folder: made if need be.
        moment: of a session.
        size: (H, W) of the frames.
        network: name of the network.
    """
    packed = {str(t): np.frombuffer(own, np.uint8) for t, own in enumerate(moment.labels) if own is not None}
    masks: dict[str, NDArray[np.uint8]] = {}
    tensors: list[Tensor] = []
    places: dict[int, int] = {}  # of tensors that several outputs share, one

    def place(value: Tensor) -> int:
        if id(value) not in places:
            places[id(value)] = len(tensors)
            tensors.append(value)
        return places[id(value)]

    record = {
        "format": FORMAT,
        "network": network,
        "num_frames": len(moment.labels),
        "size": list(size),
        "num_objects": moment.num_objects,
        "drawn": {str(t): [_row(item, masks) for item in own] for t, own in moment.drawn.items()},
        "tracks": {
            str(k): {
                "corrected": sorted(track.corrected),
                "propagated": track.propagated,
                "stale": track.stale,
                "answers": {
                    str(t): {name: place(value) for name, value in output.items()}
                    for t, output in track.answers.items()
                },
            }
            for k, track in moment.tracks.items()
        },
    }
    for file_name, arrays in ((LABELS, packed), (MASKS, masks)):
        with atomic_path(folder / file_name) as path, path.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
    with atomic_path(folder / ANSWERS) as path:
        save_file({str(n): value.cpu().clone().contiguous() for n, value in enumerate(tensors)}, path)
    write_text(folder / STATE, json.dumps(record))


def load_moment(
    folder: Path, video: tuple[int, tuple[int, int]], *, network: str, device: torch.device
) -> Moment:
    """What was saved.

    Args:
        folder: of the files.
        video: T and (H, W).
        network: name of the network.
        device: where it runs.

    Raises:
        FileNotFoundError: nothing was saved there.
        ValueError: it is of another video, network or format, or damaged.
    """
    path = folder / STATE
    if not path.is_file():
        raise FileNotFoundError(f"no saved session at {path}")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        expected = [FORMAT, network, video[0], list(video[1])]
        found = [record[key] for key in ("format", "network", "num_frames", "size")]
        if found != expected:
            raise ValueError(f"format, network, frames and size (H, W) are {found}, expected {expected}")
        tensors = load_file(folder / ANSWERS, device=str(device))
        with np.load(folder / MASKS, allow_pickle=False) as file:
            masks = {name: file[name].tobytes() for name in file.files}
        return Moment(
            _labels(folder / LABELS, video[0]),
            int(record["num_objects"]),
            tracks={int(k): _track(row, tensors) for k, row in record["tracks"].items()},
            drawn={
                int(t): Prompts(tuple(_prompt(int(t), row, masks, video[1]) for row in rows))
                for t, rows in record["drawn"].items()
            },
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError, zlib.error) as error:
        raise ValueError(f"{folder}: not a session saved of this video ({error})") from error
    except zipfile.BadZipFile as error:
        raise ValueError(f"{folder}: not a session saved of this video ({error})") from error


def _track(row: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Track:
    return Track(
        answers={
            int(t): {name: tensors[str(n)] for name, n in output.items()}
            for t, output in row["answers"].items()
        },
        corrected=frozenset(map(int, row["corrected"])),
        propagated=bool(row["propagated"]),
        stale=bool(row["stale"]),
    )


def _labels(path: Path, num_frames: int) -> LabelState:
    with np.load(path, allow_pickle=False) as file:
        return tuple(file[str(t)].tobytes() if str(t) in file else None for t in range(num_frames))


def _row(item: Prompt, masks: dict[str, NDArray[np.uint8]]) -> list[object]:
    """A prompt as JSON takes it; pixels of a mask are added to `masks`, and named."""
    kind = type(item).__name__
    if isinstance(item, Click):
        return [kind, item.object_id, item.x, item.y, item.positive]
    if isinstance(item, Box):
        return [kind, item.object_id, item.x0, item.y0, item.x1, item.y1]
    if isinstance(item, MaskPrompt):
        name = str(len(masks))
        masks[name] = np.frombuffer(pack(item.mask.astype(np.uint8)), np.uint8)
        return [kind, item.object_id, name]
    return [kind, item.object_id, item.points.tolist()]


def _prompt(frame: int, row: list[Any], masks: Mapping[str, bytes], size: tuple[int, int]) -> Prompt:
    kind, k, *rest = row
    if kind == "Click":
        return Click(frame, int(k), float(rest[0]), float(rest[1]), positive=bool(rest[2]))
    if kind == "Box":
        return Box(frame, int(k), *map(float, rest))
    if kind == "MaskPrompt":
        return MaskPrompt(frame, int(k), unpack(masks[rest[0]], size))
    return Scribble(frame, int(k), rest[0])
