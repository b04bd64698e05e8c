"""Which video a project is of, in a form that tells it from others without decoding it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from civos_siaf.video.frames import DEFAULT_RATE
from civos_siaf.video.image_files import is_image_name

_PIECE = 2**16


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """A video's number of frames, size in pixels, and frames per second."""

    num_frames: int
    width: int
    height: int
    rate: float = DEFAULT_RATE


def fingerprint(path: Path) -> str:
    """A hash of a video file's length, beginning and end, or of names and lengths of a folder's images."""
    digest = hashlib.sha256()
    if path.is_dir():
        # By the characters, not in the order of frames: older projects were told from others like this.
        images = sorted(item for item in path.iterdir() if is_image_name(item.name))
        for image in images:
            digest.update(f"{image.name}/{image.stat().st_size}/".encode(errors="surrogateescape"))
        if images:
            _add_ends(digest, images[0])
    else:
        _add_ends(digest, path)
    return digest.hexdigest()


def _add_ends(digest: hashlib._Hash, path: Path) -> None:
    length = path.stat().st_size
    digest.update(f"{length}/".encode())
    with path.open("rb") as file:
        digest.update(file.read(_PIECE))
        file.seek(max(0, length - _PIECE))
        digest.update(file.read(_PIECE))
