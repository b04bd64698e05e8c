"""Exports of one project: made in a thread of their own, kept until they are fetched or newer ones come."""

from __future__ import annotations

import logging
import secrets
import shutil
import tempfile
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from civos_siaf.app.exports import AnnotatedVideo, export_file, exporter
from civos_siaf.app.server.events import EventBroadcaster
from civos_siaf.app.server.requests import RequestError, of_system
from civos_siaf.app.session.annotator import Annotator

KEPT = 4
"""Finished exports of a project that can be fetched; an older one is removed from the disk."""

log = logging.getLogger(__name__)


class _StoppedError(Exception):
    """Somebody cancelled it, or the project is being closed."""


class ExportJobs:
    """The exports of one project.

    Args:
        annotator: of the project.
        hub: told of progress and end.
    """

    def __init__(self, annotator: Annotator, hub: EventBroadcaster) -> None:
        self._annotator = annotator
        self._hub = hub
        self._folder: Path | None = None
        self._files: dict[str, Path | None] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="export")
        self._jobs: dict[str, Future[None]] = {}
        self._stop = threading.Event()
        self._cancelled: set[str] = set()
        self._lock = threading.Lock()

    @property
    def under_way(self) -> bool:
        """Whether one is not finished."""
        return None in list(self._files.values())

    def start(self, format: str, options: Mapping[str, object]) -> str:
        """Begin an export of the project as it is now; its identifier.

        Raises:
            RequestError: 400, no such format or option.
        """
        try:
            exporter(format, options)
        except ValueError as error:
            raise RequestError(400, f"{error}.") from error
        export_id = secrets.token_hex(8)
        annotation = self._annotator.annotation()
        self._files[export_id] = None
        job = self._thread.submit(self._run, export_id, annotation, format, options)
        self._jobs[export_id] = job

        def ended(_: Future[None]) -> None:
            self._jobs.pop(export_id, None)
            annotation.close()

        job.add_done_callback(ended)
        return export_id

    def file(self, export_id: str) -> Path:
        """The file of a finished export.

        Raises:
            RequestError: 404 there is none, 409 it is not finished.
        """
        if export_id not in self._files:
            raise RequestError(404, "There is no such export; make it again.")
        path = self._files[export_id]
        if path is None:
            raise RequestError(409, "The export is not finished yet.")
        return path

    def cancel(self, export_id: str) -> None:
        """End an export that is not finished, or that has not begun; nothing is left of it.

        Raises:
            RequestError: 404 there is none, 409 it is finished.
        """
        with self._lock:
            if export_id not in self._files:
                raise RequestError(404, "There is no such export.")
            if self._files[export_id] is not None:
                raise RequestError(409, "The export is finished already.")
            self._cancelled.add(export_id)
        job = self._jobs.get(export_id)
        if job is not None and job.cancel():  # its turn had not come
            self._files.pop(export_id, None)
            self._cancelled.discard(export_id)
            self._tell_cancelled(export_id)

    def close(self) -> None:
        """End what is under way and remove all files."""
        self._stop.set()
        self._thread.shutdown(cancel_futures=True)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _run(
        self, export_id: str, annotation: AnnotatedVideo, format: str, options: Mapping[str, object]
    ) -> None:
        total = len(annotation.frames)

        def progress(done: int, total: int) -> None:
            self._go_on(export_id)
            self._tell(export_id, done, total)

        folder: Path | None = None
        try:
            self._go_on(export_id)
            folder = self._new_folder(export_id)
            path = export_file(annotation, format, folder, options=options, progress=progress)
            self._finish(export_id, path)
        except Exception as error:
            self._files.pop(export_id, None)
            self._cancelled.discard(export_id)
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, _StoppedError):
                if not self._stop.is_set():
                    self._tell_cancelled(export_id)
                return
            log.warning(
                "export of %s failed", annotation.name, exc_info=not isinstance(error, OSError | ValueError)
            )
            self._tell(export_id, 0, total, finished=True, error=_in_words(error))
        else:
            self._tell(export_id, total, total, finished=True)
            self._forget_old()

    def _go_on(self, export_id: str) -> None:
        if self._stop.is_set() or export_id in self._cancelled:
            raise _StoppedError

    def _finish(self, export_id: str, path: Path) -> None:
        """Name the file, unless somebody has cancelled just now."""
        with self._lock:
            self._go_on(export_id)
            self._files[export_id] = path

    def _tell(self, export_id: str, done: int, total: int, **more: object) -> None:
        event = {"type": "export", "id": export_id, "done": done, "total": total, "finished": False}
        self._hub.tell(event | more)

    def _tell_cancelled(self, export_id: str) -> None:
        self._tell(export_id, 0, len(self._annotator.project.frames), finished=True, cancelled=True)

    def _new_folder(self, export_id: str) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix=".exports-", dir=self._annotator.project.folder))
        folder = self._folder / export_id
        folder.mkdir()
        return folder

    def _forget_old(self) -> None:
        finished = [key for key, path in list(self._files.items()) if path is not None]
        for key in finished[:-KEPT]:
            path = self._files.pop(key)
            assert path is not None
            shutil.rmtree(path.parent, ignore_errors=True)


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError):
        return of_system(error).message
    return str(error) if isinstance(error, ValueError) else f"The export failed ({type(error).__name__})."


def sweep(folder: Path) -> None:
    """Remove what exports left that a killed server could not end."""
    for path in folder.glob(".exports-*"):
        shutil.rmtree(path, ignore_errors=True)
