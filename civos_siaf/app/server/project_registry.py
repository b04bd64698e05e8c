"""All projects of the server: those on disk, and those that are open."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import re
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from civos_siaf.app.server import export_jobs, uploads
from civos_siaf.app.server.lazy_method import LazyMethod
from civos_siaf.app.server.project_service import ProjectService
from civos_siaf.app.server.requests import RequestError, of_system
from civos_siaf.app.server.worker import Worker
from civos_siaf.app.session.annotator import Annotator
from civos_siaf.app.session.suggestions import usable
from civos_siaf.app.storage.project import Project, ProjectError, slug
from civos_siaf.next_frame import NextFrame
from civos_siaf.protocol import Method

MAX_UPLOAD = 8 * 2**30
KEPT_OPEN = 4
"""Projects that stay open though nobody looks at them."""

KEPT_AWAKE = 2
"""Projects for which the method holds memory, gigabytes for a long video; more only while pages show them."""

LOAD_AFTER_SECONDS = 5.0
"""The method is loaded when a page shows a frame, or after this time."""

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv"})

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProjectEntry:
    """A project on disk."""

    id: str
    name: str
    num_frames: int
    used: float
    folder: Path
    video: Path


class ProjectRegistry:
    """The projects below one folder; a project is opened when it is first asked for.

    Identifiers from outside are looked up among the projects that are there, never made part of a path.

    Args:
        folder: each folder in it that holds a project is one.
        method: what segments.
        max_upload: bytes of a video from the browser.
        threads: for labels, states and actions that need no model.
        next_frame: suggests the frame to look at next; None: by the method's confidences and the masks.

    Raises:
        ValueError: the folder is a file, or the choice of the next frame needs what only an evaluation has.
    """

    def __init__(
        self,
        folder: Path | str,
        method: Method,
        *,
        max_upload: int = MAX_UPLOAD,
        threads: int = 4,
        next_frame: NextFrame | None = None,
    ) -> None:
        self._next_frame = None if next_frame is None else usable(next_frame)
        self.folder = Path(folder).resolve()
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"the projects' folder {self.folder} is a file")
        self.uploads = self.folder / ".uploads"
        self.max_upload = max_upload
        self.worker = Worker(threads)
        self._method = method
        self._desks: dict[str, ProjectService] = {}
        self._opening = asyncio.Lock()
        self._first: str | None = None  # will be asked for at once
        self._looked = asyncio.Event()
        self._preparing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make ready: clean up after a killed server, begin to open the first project and the method."""
        await asyncio.to_thread(uploads.sweep, self.uploads)
        self._preparing = asyncio.create_task(self._prepare())

    def looked(self) -> None:
        """Somebody has got a frame: what takes the processor's time may begin."""
        self._looked.set()

    def entries(self) -> list[ProjectEntry]:
        """The projects on disk, the one used last first; what cannot be read is left out."""
        found = (_entry(path) for path in self.folder.glob("*/project.json"))
        return sorted((entry for entry in found if entry), key=lambda entry: -entry.used)

    async def listing(self) -> list[dict[str, object]]:
        """The projects as JSON; `opened` is when each was last worked on, in seconds since 1970."""
        return [
            {"id": entry.id, "name": entry.name, "num_frames": entry.num_frames, "opened": entry.used}
            for entry in await asyncio.to_thread(self.entries)
        ]

    async def desk(self, project_id: str) -> ProjectService:
        """An open project.

        Raises:
            RequestError: 404 there is no such project, 409 it cannot be opened.
        """
        if desk := self._desks.get(project_id):
            desk.used = time.monotonic()
            return desk
        async with self._opening:
            if project_id in self._desks:
                return self._desks[project_id]
            entries = await asyncio.to_thread(self.entries)
            entry = next((entry for entry in entries if entry.id == project_id), None)
            if entry is None:
                raise RequestError(404, "There is no such project.")
            return await self._open(entry)

    def upload_folder(self) -> Path:
        """Where uploads arrive, made if it is not there.

        Raises:
            RequestError: 507 disk full.
        """
        try:
            self.uploads.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise of_system(error) from error
        return self.uploads

    async def create(self, video: Path, name: str) -> str:
        """A project of an uploaded video, which is moved into it; the identifier.

        Raises:
            RequestError: 422 the video does not make a project, 507 disk full.
        """
        suffix = Path(name).suffix.lower()
        return await asyncio.to_thread(self._create, video, name, suffix if suffix in VIDEO_SUFFIXES else "")

    def find_or_create(self, video: Path | str) -> str:
        """The project of a video on this machine, made if there is none; the identifier.

        Raises:
            FileNotFoundError: no such video.
            ProjectError: it does not make a project.
        """
        video = Path(video).resolve()
        if not video.exists():
            raise FileNotFoundError(f"no video file or image folder at {video}")
        for entry in self.entries():
            if entry.video == video:
                self._first = entry.id
                return entry.id
        name = uploads.shown_name(video.name)
        with self._new_folder(name) as folder:
            project = Project.create(folder, video, name=name)
        project.close()
        self._first = project.id
        return project.id

    def beat(self) -> None:
        """Tell all tabs how the machine does."""
        for desk in self._desks.values():
            desk.beat()

    def cancel(self) -> None:
        """End what models are at."""
        for desk in self._desks.values():
            desk.cancel()

    async def close(self) -> None:
        """Stop, and give all projects back."""
        if self._preparing is not None:
            self._preparing.cancel()
        self.cancel()
        await asyncio.to_thread(self.worker.close)
        for desk in self._desks.values():
            await asyncio.to_thread(desk.close)
        self._desks.clear()

    async def _prepare(self) -> None:
        if self._first is not None:
            with contextlib.suppress(RequestError):  # told when the page asks for it
                await (await self.desk(self._first)).pictures.get(0)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._looked.wait(), LOAD_AFTER_SECONDS)
        if isinstance(self._method, LazyMethod):
            self.worker.submit(self._method.load, model=True).add_done_callback(_report)

    async def _open(self, entry: ProjectEntry) -> ProjectService:
        await self._close_idle()
        try:
            annotator = await asyncio.to_thread(self._annotator, entry.folder)
        except ProjectError as error:
            raise RequestError(409, f"{entry.name} cannot be opened: {error}") from error
        except OSError as error:
            raise of_system(error) from error
        loop = asyncio.get_running_loop()
        desk = ProjectService(annotator, worker=self.worker, loop=loop, make_room=self._make_room)
        self._desks[entry.id] = desk
        return desk

    def _annotator(self, folder: Path) -> Annotator:
        project = Project.open(folder)
        export_jobs.sweep(folder)
        try:
            return Annotator(project, self._method, next_frame=self._next_frame)
        except BaseException:
            project.close()
            raise

    async def _close_idle(self) -> None:
        """Close the projects opened first, so that few remain that nobody uses."""
        idle = [key for key, desk in self._desks.items() if desk.idle]
        for key in idle[: max(0, len(idle) - KEPT_OPEN + 1)]:
            await asyncio.to_thread(self._desks.pop(key).close)

    def _make_room(self, asking: ProjectService) -> None:
        """Let projects rest whose method was not asked for longest; on its thread, so none is at work."""
        others = [desk for desk in list(self._desks.values()) if desk is not asking and desk.annotator.awake]
        more = max(0, len(others) + 1 - KEPT_AWAKE)
        resting = (desk for desk in sorted(others, key=lambda desk: desk.asked) if not desk.attended)
        for desk in itertools.islice(resting, more):
            desk.rest()

    def _create(self, video: Path, name: str, suffix: str) -> str:
        try:
            with self._new_folder(name) as folder:
                kept = folder / f"video{suffix}"
                video.replace(kept)
                project = Project.create(folder, kept, name=name)
        except BaseException as error:
            video.unlink(missing_ok=True)
            if isinstance(error, ProjectError):
                raise RequestError(422, str(error)) from error
            if isinstance(error, OSError):
                raise of_system(error) from error
            raise
        project.close()
        return project.id

    @contextlib.contextmanager
    def _new_folder(self, name: str) -> Iterator[Path]:
        """An empty folder called after the video; it goes again where no project comes of it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        plain = slug(Path(name).stem)
        names = itertools.chain([plain], (f"{plain}-{number}" for number in itertools.count(2)))
        folder = next(folder for name in names if _made(folder := self.folder / name))
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def _made(folder: Path) -> bool:
    """Whether the folder is new."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def _report(loading: Future[Method]) -> None:
    if not loading.cancelled() and (error := loading.exception()) is not None:
        log.error("The method cannot be loaded: %s", error)


def _entry(path: Path) -> ProjectEntry | None:
    """What `project.json` says; None where it cannot be read."""
    folder = path.parent
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        journal = folder / "log.jsonl"
        used = (journal if journal.exists() else path).stat().st_mtime
        project_id, name, video = str(record["id"]), str(record["name"]), record["video"]
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", project_id):
            return None
        place = (folder / video["path"]).resolve()
        return ProjectEntry(project_id, name, int(video["num_frames"]), used, folder, place)
    except (OSError, ValueError, KeyError, TypeError):
        return None
