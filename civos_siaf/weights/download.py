"""Fetching a published weight file: resumed where it broke off, checked, complete or not there at all."""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import TypeAlias

from civos_siaf.runtime.files import write_text
from civos_siaf.weights.manifest import WeightRecord

DownloadProgress: TypeAlias = Callable[[int, int | None], None]
"""Called with the bytes there are and the bytes in all, None if the server does not say."""

CHUNK = 2**20
TIMEOUT = 30.0
WEB_PAGE = "text/html"
_RANGE_NOT_SATISFIABLE = 416


def download(record: WeightRecord, folder: Path | str, *, progress: DownloadProgress | None = None) -> Path:
    """Fetch the file of a record into a folder, unless it is there and whole.

    What arrives lies in a `.part` file until it is complete; an interrupted download goes on there. The hash
    must be that of the record. Where the record has none, the first download writes it beside the file and
    later ones compare with that.

    Returns:
        Path of the file.

    Raises:
        ConnectionError: the server cannot be reached, refuses, breaks off, or sends a web page or too little
            in place of the file; says how to go on. Nothing is kept but the part of what broke off.
        ValueError: another hash than expected; the file is not kept. Or the file there is too short.
    """
    target = Path(folder) / record.file_name
    noted = note_of(target)
    if target.is_file():
        if (short := _too_short(target, record)) is not None:
            raise ValueError(f"{target}: not the file, {short}; remove it and {noted.name}, then fetch again")
        _verify(target, record, noted)
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    try:
        _fetch(record.url, part, progress or (lambda done, total: None))
        if (short := _too_short(part, record)) is not None:
            part.unlink()
            raise ConnectionError(f"what came is not the file, {short}")
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise ConnectionError(
            f"cannot fetch {record.url} ({reason}); run again to go on, or fetch {record.file_name} by hand "
            f"from {record.page} and put it into {target.parent}"
        ) from error
    try:
        _verify(part, record, noted)
    except ValueError:
        part.unlink()
        raise
    part.replace(target)
    return target


def note_of(path: Path) -> Path:
    """The file beside a weight file in which the hash of the first download is noted."""
    return path.with_name(path.name + ".sha256")


def noted_hash(path: Path) -> str | None:
    """The hash that the first download of a file noted beside it, in hexadecimal; None if there is none."""
    noted = note_of(path)
    return noted.read_text(encoding="utf-8").split()[0] if noted.is_file() else None


def sha256(path: Path) -> str:
    """Hash of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _fetch(url: str, part: Path, progress: DownloadProgress) -> None:
    done = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != _RANGE_NOT_SATISFIABLE or not done:
            raise
        # The part is as long as the file or longer: from another file, or complete but never checked.
        part.unlink()
        _fetch(url, part, progress)
        return
    with response:
        if response.headers.get_content_type() == WEB_PAGE:
            raise ConnectionError("a web page came in place of the file: a limit on downloads, or a log-in")
        if getattr(response, "status", None) != 206:
            done = 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length is not None else None
        with part.open("ab" if done else "wb") as file:
            progress(done, total)
            while chunk := response.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                progress(done, total)
            file.flush()
            os.fsync(file.fileno())
    if total is not None and done != total:
        raise ConnectionError(f"broke off after {done} of {total} bytes")


def _too_short(path: Path, record: WeightRecord) -> str | None:
    """Why a file cannot be that of the record; None if it can. A file is never shorter than its tensors."""
    size = path.stat().st_size
    if record.bytes is None or size >= record.bytes:
        return None
    return f"{size} bytes of at least {record.bytes}"


def _verify(path: Path, record: WeightRecord, noted: Path) -> None:
    expected = record.sha256
    if expected is None and noted.is_file():
        expected = noted.read_text(encoding="utf-8").split()[0]
    found = sha256(path)
    if expected is None:
        write_text(noted, f"{found}  {record.file_name}\n")
    elif found != expected:
        raise ValueError(f"{path}: sha256 is {found}, expected {expected}")
