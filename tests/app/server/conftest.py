from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from civos_siaf.app.server.application import create_app
from civos_siaf.app.server.project_registry import ProjectRegistry
from civos_siaf.app.server.security import Guard, host_names
from civos_siaf.methods import NearestColour
from civos_siaf.video.writer import write_video

TOKEN = "test-token"
HOST = "localhost:8000"
BASE = f"http://{HOST}/{TOKEN}/"
HEIGHT, WIDTH, LENGTH = 48, 64, 6


def moving_square(length: int = LENGTH, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A red square of 16 pixels that goes right over blue, (T, H, W, 3)."""
    frames = np.full((length, height, width, 3), (30, 40, 160), np.uint8)
    for t in range(length):
        frames[t, 16:32, 8 + 2 * t : 24 + 2 * t] = (220, 30, 30)
    return frames


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    write_video(path, moving_square(), quality=5)
    return path


@pytest.fixture
def library(tmp_path: Path) -> ProjectRegistry:
    return ProjectRegistry(tmp_path / "projects", NearestColour(), max_upload=2_000_000)


@pytest.fixture
def client(library: ProjectRegistry) -> Iterator[TestClient]:
    guard = Guard(create_app(library), token=TOKEN, hosts=host_names([], 8000))
    with TestClient(guard, base_url=BASE, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def project(client: TestClient, clip: Path) -> str:
    """The address of a project of the clip."""
    answer = client.post("api/projects?name=clip.mp4", content=clip.read_bytes())
    assert answer.status_code == 201, answer.text
    return f"api/projects/{answer.json()['id']}"
