"""The index of a video file kept beside a project, and in memory, so that a file is checked only once."""

from __future__ import annotations

import json
import logging
import threading
import zipfile
from collections import OrderedDict
from pathlib import Path

import av
import numpy as np

from civos_siaf.runtime.files import atomic_path
from civos_siaf.video.index import VideoIndex, build_index
from civos_siaf.video.packets import PacketTable

log = logging.getLogger(__name__)

FORMAT = 1
_KEPT = 16
_known: OrderedDict[tuple[int, ...], VideoIndex] = OrderedDict()
_lock = threading.Lock()
_PACKETS = ("pts", "dts", "pos", "size", "key")
_PICTURES = ("packet", "part", "checksum", "stamps")


def index_of(path: Path, kept: Path | None = None) -> VideoIndex:
    """The index of a file: known in this process, or read from `kept`, or built and written there.

    Raises:
        ValueError: not a video, or no picture can be decoded.
    """
    status = path.stat()
    identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    with _lock:
        index = _known.get(identity)
    written = None if kept is None else load_index(kept, size=status.st_size)
    index = index or written or build_index(path)
    if kept is not None and written is None:
        save_index(kept, index, size=status.st_size)
    with _lock:
        _known[identity] = index
        _known.move_to_end(identity)
        while len(_known) > _KEPT:
            _known.popitem(last=False)
    return index


def save_index(target: Path, index: VideoIndex, *, size: int) -> None:
    """Write an index; that it cannot be is only logged, as it can be built again.

    Args:
        target: a file.
        index: of a video.
        size: of the video, bytes.
    """
    about = {
        "format": FORMAT,
        "decoder": _decoder(),
        "size": size,
        "unit": index.unit,
        "faults": sorted(index.faults.items()),
        "lost": sorted(index.lost),
        "notes": index.notes,
        "counted": index.counted,
        "threads": index.threads,
    }
    arrays = {name: getattr(index.packets, name) for name in _PACKETS}
    arrays |= {f"picture_{name}": getattr(index, name) for name in _PICTURES}
    try:
        with atomic_path(target) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, about=np.array(json.dumps(about)), **arrays)
    except OSError as error:
        log.info("%s could not be written: %s", target, error)


def load_index(source: Path, *, size: int) -> VideoIndex | None:
    """An index that was written; None where there is none for this file, this format and this decoder."""
    try:
        with np.load(source, allow_pickle=False) as arrays:
            about = json.loads(str(arrays["about"]))
            if (about["format"], about["decoder"], about["size"]) != (FORMAT, _decoder(), size):
                return None
            pictures = {name: arrays[f"picture_{name}"] for name in _PICTURES}
            return VideoIndex(
                PacketTable(**{name: arrays[name] for name in _PACKETS}),
                **pictures,
                unit=about["unit"],
                faults={int(number): str(fault) for number, fault in about["faults"]},
                lost=frozenset(about["lost"]),
                notes=tuple(about["notes"]),
                counted=about["counted"],
                threads=about["threads"],
            )
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None


def _decoder() -> list[int]:
    """What decodes: another version may conceal damage in another way."""
    return list(av.library_versions["libavcodec"])
