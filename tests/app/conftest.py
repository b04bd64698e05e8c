from __future__ import annotations

from pathlib import Path

import pytest

from civos_siaf.app.session.annotator import Annotator
from civos_siaf.app.storage.project import Project
from tests.app.fakes import Telltale, make_video


@pytest.fixture
def video(tmp_path) -> Path:
    return make_video(tmp_path / "video")


@pytest.fixture
def start(tmp_path, video):
    """Opens an annotator on the project `name`, made if need be; all are closed at the end."""
    opened = []

    def start(method=None, *, name="project", **options) -> Annotator:
        project = Project.open_or_create(tmp_path / name, video)
        opened.append(Annotator(project, method or Telltale(), **options))
        return opened[-1]

    yield start
    for annotator in opened:
        annotator.close()
