"""A project: the folder on disk that holds everything that was done on one video."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import secrets
from pathlib import Path
from typing import Any

from civos_siaf.app.document.video_info import VideoInfo, fingerprint
from civos_siaf.runtime.files import write_text
from civos_siaf.video.frames import Frames

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

_FAR = 2**30
"""The byte that is locked on Windows, where nobody else can read locked ones: far behind what is written."""


def lock_file(file: int) -> None:
    """Lock an open file until it is closed.

    Args:
        file: its descriptor, open for writing.

    Raises:
        OSError: it is locked already, by this process or another.
    """
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    windows: Any = importlib.import_module("msvcrt")
    os.lseek(file, _FAR, os.SEEK_SET)
    try:
        windows.locking(file, windows.LK_NBLCK, 1)
    finally:
        os.lseek(file, 0, os.SEEK_SET)


FORMAT = 1
_FILE = "project.json"
_INDEX = "video-index.npz"


class ProjectError(ValueError):
    """A project that cannot be opened or made; the message is for the person."""


class Project:
    """A folder with `project.json`, `log.jsonl`, `masks/`, and a lock that one process holds.

    Beside them `video-index.npz` keeps what one decoding of a video file has found; it can be deleted.

    Made by `create` or `open`, not directly.

    Attributes:
        folder: where it is.
        id: letters, digits and hyphens, fit for a path or an address.
        name: for people.
        video: path of the video file or image folder.
        info: frames, size and rate of the video.
        frames: the video, decoded when asked for.
    """

    def __init__(
        self,
        folder: Path,
        project_id: str,
        name: str,
        *,
        video: Path,
        info: VideoInfo,
        frames: Frames,
        lock: int,
    ) -> None:
        self.folder = folder
        self.id = project_id
        self.name = name
        self.video = video
        self.info = info
        self.frames = frames
        self._lock = lock

    @staticmethod
    def exists(folder: Path | str) -> bool:
        """Whether there is a project in the folder."""
        return (Path(folder) / _FILE).is_file()

    @classmethod
    def create(cls, folder: Path | str, video: Path | str, *, name: str | None = None) -> Project:
        """A new project for a video file or a folder of images.

        Raises:
            ProjectError: there is a project already, or it is not a video that can be read.
        """
        folder, video = Path(folder), Path(video).resolve()
        if cls.exists(folder):
            raise ProjectError(f"there is a project in {folder} already")
        frames = _open_video(video, folder)
        rate = frames.frame_rate
        info = VideoInfo(len(frames), frames.width, frames.height, *([rate] if rate else []))
        name = name or video.stem
        project_id = f"{slug(name)}-{secrets.token_hex(4)}"
        folder.mkdir(parents=True, exist_ok=True)
        lock = _hold(folder)
        try:
            record = {
                "format": FORMAT,
                "id": project_id,
                "name": name,
                "video": {
                    "path": _stored(video, folder.resolve()),
                    "num_frames": info.num_frames,
                    "width": info.width,
                    "height": info.height,
                    "rate": info.rate,
                    "fingerprint": fingerprint(video),
                },
            }
            write_text(folder / _FILE, json.dumps(record, indent=2) + "\n")
        except BaseException:
            os.close(lock)
            raise
        return cls(folder, project_id, name, video=video, info=info, frames=frames, lock=lock)

    @classmethod
    def open(cls, folder: Path | str, *, video: Path | str | None = None) -> Project:
        """A project that exists.

        Args:
            folder: of the project.
            video: where the video is now, if it was moved.

        Raises:
            ProjectError: no project, one of another format version, held by another process, or its video
                is missing or has changed.
        """
        folder = Path(folder)
        record = _read(folder)
        lock = _hold(folder)
        try:
            expected = record["video"]
            path = (Path(video) if video is not None else folder / expected["path"]).resolve()
            if not path.exists():
                raise ProjectError(f"{folder}: its video {path} is missing; say where it is now")
            info = VideoInfo(*(expected[name] for name in ("num_frames", "width", "height", "rate")))
            if fingerprint(path) != expected["fingerprint"]:
                raise ProjectError(f"{folder}: {path} is not the video that the project was made for")
            frames = _open_video(path, folder)
            found = (len(frames), frames.width, frames.height)
            if found != (info.num_frames, info.width, info.height):
                raise ProjectError(
                    f"{folder}: {path} has now (frames, width, height) {found}, the project is for "
                    f"{(info.num_frames, info.width, info.height)}"
                )
            return cls(folder, record["id"], record["name"], video=path, info=info, frames=frames, lock=lock)
        except (KeyError, TypeError) as error:
            os.close(lock)
            raise ProjectError(f"{folder / _FILE}: {error} is missing or damaged") from error
        except BaseException:
            os.close(lock)
            raise

    @classmethod
    def open_or_create(cls, folder: Path | str, video: Path | str, *, name: str | None = None) -> Project:
        """The project in the folder, or a new one."""
        if cls.exists(folder):
            return cls.open(folder, video=video)
        return cls.create(folder, video, name=name)

    def close(self) -> None:
        """Let go of the lock."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _open_video(path: Path, folder: Path) -> Frames:
    """A video as a project needs it: damage in it is gone around, what it holds is looked for once."""
    try:
        frames = Frames.open(path, hold=True, kept=folder / _INDEX)
        _ = frames.size
    except (OSError, ValueError) as error:
        raise ProjectError(str(error)) from error
    return frames


def _stored(video: Path, folder: Path) -> str:
    """The path of a video as it is kept: seen from the project's folder if it is inside."""
    return str(video.relative_to(folder)) if video.is_relative_to(folder) else str(video)


def _read(folder: Path) -> dict[str, Any]:
    path = folder / _FILE
    if not path.is_file():
        raise ProjectError(f"there is no project in {folder}")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ProjectError(f"{path}: damaged ({error})") from error
    version = record.get("format") if isinstance(record, dict) else None
    if version != FORMAT:
        raise ProjectError(f"{path}: a project of format {version}; this program reads format {FORMAT}")
    return dict(record)


def _hold(folder: Path) -> int:
    """Take the lock of a folder; the system lets go of it when the process ends, however it ends."""
    file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        lock_file(file)
    except OSError as error:
        holder = os.read(file, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(file)
        raise ProjectError(f"{folder} is open in another program already (process {holder})") from error
    with contextlib.suppress(OSError):  # only says who; on a full disk nobody is told
        os.ftruncate(file, 0)
        os.write(file, str(os.getpid()).encode())
    return file


def slug(name: str) -> str:
    """A name as part of a path: letters a to z, digits and hyphens, at most 40."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return plain[:40].rstrip("-") or "video"
