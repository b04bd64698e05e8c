"""The real server in a thread, with a toy method, for the browser to talk to."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import uvicorn

from civos_siaf.app.server.application import create_app
from civos_siaf.app.server.project_registry import ProjectRegistry
from civos_siaf.app.server.security import Guard, host_names
from civos_siaf.methods import NearestColour
from civos_siaf.methods.nearest_colour import NearestColourSession
from civos_siaf.protocol import Labels, LabelVideo, Method, Progress, no_progress
from civos_siaf.video.frames import Frames

TOKEN = "token-of-the-browser-tests"


def no_pause(frame: int) -> float:
    """Each frame takes as long as it takes."""
    return 0.0


class Streaming(NearestColour):
    """The toy method, telling of every frame as it is done, each taking at least `pause(frame)` seconds.

    Within 20 ms it notices that the pause was changed, or that it was cancelled.
    """

    pause = staticmethod(no_pause)

    def open(self, frames: Frames, *, num_objects: int) -> NearestColourSession:
        return StreamingSession(frames, self, num_objects=num_objects)


class StreamingSession(NearestColourSession):
    streams = True

    def __init__(self, frames: Frames, method: Streaming, *, num_objects: int) -> None:
        super().__init__(frames, method, num_objects=num_objects)
        self._method = method
        self._video = frames

    def propagate(
        self,
        progress: Progress = no_progress,
        arrived: Callable[[int, Labels, float | None], None] | None = None,
    ) -> LabelVideo:
        labels = []
        for frame in range(len(self._video)):
            labels.append(self._label(frame))
            begun = time.monotonic()
            while time.monotonic() < begun + self._method.pause(frame):
                time.sleep(0.02)
                progress(frame, len(self._video))
            if arrived is not None:
                arrived(frame, labels[-1], 1 - frame / 20)
            progress(frame + 1, len(self._video))
        return np.stack(labels)


class Server:
    """Runs until stopped; may be started again at the same address with the same projects."""

    def __init__(self, folder: Path, method: Method | None = None, *, max_upload: int = 10_000_000) -> None:
        self.folder, self.max_upload = folder, max_upload
        self.method = method or Streaming(reach=70, place_weight=60)
        self.port = 0
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/{TOKEN}/"

    def start(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        app = create_app(ProjectRegistry(self.folder, self.method, max_upload=self.max_upload))
        guard = Guard(app, token=TOKEN, hosts=host_names([], self.port))
        config = uvicorn.Config(guard, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server did not start in time"
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)

    def project(self, clip: Path, name: str = "clip.mp4") -> str:
        """A new project of the clip; its identifier."""
        request = urllib.request.Request(
            f"{self.address}api/projects?name={name}", clip.read_bytes(), method="POST"
        )
        with urllib.request.urlopen(request) as answer:
            return str(json.load(answer)["id"])
