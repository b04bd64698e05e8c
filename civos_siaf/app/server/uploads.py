"""Videos from the browser: streamed to disk, looked at, and only then kept."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path

import av

from civos_siaf.app.server.requests import RequestError, of_system
from civos_siaf.video.frames import Frames

BLOCK = 2**20
"""Bytes collected before they are written: one hop to a thread for each."""

NAME_LENGTH = 200
PARTIAL = ".part"
RESERVE = 64 * 2**20
"""Free bytes of disk below which no upload is begun: what is drawn on other videos needs them."""

CONTAINERS = (
    "mov,matroska,avi,mpeg,mpegts,mpegvideo,flv,asf,ogg,gif,apng,mxf,ivf,nut,yuv4mpegpipe,dv,h264,hevc,obu"
)
"""What may be read. Playlists and session descriptions are not among it: they name other files."""


def shown_name(name: str) -> str:
    """A file name as the person may see it: no folders, no control characters, at most 200 characters.

    It is for display; of a path only its letters and digits may be part, see `slug`.

    >>> shown_name("../../etc/clip.mp4")
    'clip.mp4'
    """
    name = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    kept = "".join(char if unicodedata.category(char)[0] != "C" else " " for char in name)
    return " ".join(kept.split())[:NAME_LENGTH].strip() or "video"


def check_video(path: Path, name: str) -> int:
    """Decode the first and the last frame of a file; the number of its frames.

    Raises:
        RequestError: 422; not a video, without frames, or cut off.
    """
    try:
        av.open(str(path), options={"format_whitelist": CONTAINERS}).close()
        frames = Frames.open(path)
        _ = frames[0]
    except (ValueError, OSError) as error:
        raise RequestError(422, f"{name} is not a video that can be read{_reason(error, path)}.") from error
    if frames.cut_off is not None:
        raise RequestError(422, f"{name} is damaged: {frames.cut_off}. Download or export it again.")
    try:
        _ = frames[len(frames) - 1]
    except (ValueError, OSError) as error:
        raise RequestError(
            422,
            f"{name} is damaged or cut off: its last frame, {len(frames) - 1}, cannot be decoded. "
            "Download or export it again.",
        ) from error
    return len(frames)


@contextlib.asynccontextmanager
async def kept_while(body: AsyncIterator[bytes], folder: Path, *, name: str) -> AsyncIterator[Path]:
    """Write an upload to a new file in `folder`, whose name is made here; removed at the end if still there.

    Args:
        body: the bytes as they come; it may raise RequestError.
        folder: where; made if it is not there.
        name: for messages, as `shown_name` gives it.

    Raises:
        RequestError: 400 it is empty, 507 disk full; what `body` raises.
    """
    partial = folder / f"{secrets.token_hex(16)}{PARTIAL}"
    try:
        await asyncio.to_thread(_make_room, folder)
        if not await _write(body, partial):
            raise RequestError(400, f"{name} is empty.")
        yield partial
    except OSError as error:
        raise of_system(error) from error
    finally:
        await asyncio.shield(asyncio.to_thread(partial.unlink, missing_ok=True))


def sweep(folder: Path) -> None:
    """Remove what uploads left that a killed server could not end."""
    for path in folder.glob(f"*{PARTIAL}"):
        path.unlink(missing_ok=True)


async def _write(body: AsyncIterator[bytes], path: Path) -> int:
    """Write blocks from a thread; the bytes written."""
    total, held = 0, bytearray()
    with await asyncio.to_thread(path.open, "wb") as file:
        async for chunk in body:
            held += chunk
            if len(held) >= BLOCK:
                total += await asyncio.to_thread(file.write, bytes(held))
                held.clear()
        total += await asyncio.to_thread(file.write, bytes(held))
        await asyncio.to_thread(file.flush)
    return total


def _make_room(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < RESERVE:
        raise RequestError(507, "The disk is full: there is no room for a video.")


def _reason(error: BaseException, path: Path) -> str:
    """The reason of a reader, without the path that only this machine knows."""
    text = str(getattr(error, "strerror", None) or error).replace(str(path), "").strip(" :")
    return f" ({text})" if text else ""
